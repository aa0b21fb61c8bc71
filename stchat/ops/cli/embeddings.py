"""`stchat embeddings`: which model has embedded the memories, and the move to another."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stchat.chat import CohereEmbedder
from stchat.data_api import DataApi
from stchat.embedding_models import parse
from stchat.environment import Settings, Variable, region_of
from stchat.errors import StchatError
from stchat.ops import embedding_move, prices
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer, table
from stchat.ops.embedding_move import Models

EMBED_SECONDS = 600.0  # that a move waits for a model that is throttled or down
REPORT_SECONDS = 10.0
_SQL = "SELECT to_regprocedure('st_chat_embedding_models()') IS NOT NULL AS has"


def status(arguments: argparse.Namespace) -> Answer:
    """Exits with 1 while memories have vectors of several models in their rows, or a move is not finished."""
    found = embedding_move.models(_database(arguments))
    return _state(found, code=int(bool(found.second) or sum(map(bool, found.rows.values())) > 1))


def move(arguments: argparse.Namespace) -> Answer:
    target, list_of, api = parse(arguments.to, "--to"), prices.load(arguments.prices), _database(arguments)
    size = embedding_move.size(api, target.model.name, target.model.characters)
    price = list_of[target.model.price]
    _say(
        f"{size.memories:,} memories to embed by {target.model.name}: about {size.tokens:,} tokens, estimated from"
        f" {size.sampled:,} of them; {price.of(size.tokens):,.2f} USD at {price.usd:g} USD for {price.per:,} tokens"
        + ("" if price.confirmed else f" (not confirmed: {price.source})")
    )
    if size.memories:
        _confirm(arguments, "embed them")
    reporter = _Reporter(f"memories have a vector of {target.model.name}")
    found = embedding_move.move(api, _embedder(arguments.to), target.model.characters, reporter)
    missing = found.missing(target.model.name)
    return _state(found, _after_move(target.model.name, missing), code=int(bool(missing)))


def finish(arguments: argparse.Namespace) -> Answer:
    api, target = _database(arguments), parse(arguments.to, "--to").model.name
    _say(
        "after this there is no way back without embedding all memories again, and an application that uses another"
        f" model than {target} finds nothing by meaning"
    )
    _confirm(arguments, f"make {target} the model of every memory")
    found = embedding_move.finish(api, target, _Reporter(f"rows have their vector of {target}"))
    others = found.memories - found.rows.get(target, 0)
    note = f"{target} is the model of every memory"
    if others:
        note = f"{others:,} memories were written by another model meanwhile: the application still uses it; move again"
    return _state(found, note, code=int(bool(others)))


def _after_move(model: str, missing: int) -> str:
    if missing:
        return f"{missing:,} memories written meanwhile are missing: run it again once the application uses {model}"
    return (
        f"every memory has a vector of {model}: deploy the application with that model, run this again for what was"
        f" written until then, and then: stchat embeddings finish --to {model}"
    )


def _state(found: Models, note: str | None = None, code: int = 0) -> Answer:
    names = sorted(set(found.rows) | set(found.second))
    rows: list[dict[str, Any]] = [
        {
            "model": name,
            "memories": found.rows.get(name, 0),
            "moved": found.second.get(name) if found.second else None,
            "missing": found.missing(name) if found.second else None,
        }
        for name in names
    ]
    text = table(rows, ("memories", "moved", "missing"))
    return Answer(rows, f"{text}\n{note}" if note else text, code, data={"models": rows, "note": note})


def _database(arguments: argparse.Namespace) -> DataApi:
    api = connect(arguments.database)
    if not api.execute(_SQL, idempotent=True).rows[0]["has"]:
        raise StchatError(f"the database {api.database} has no memories, or older ones: name another with --database")
    return api


def _embedder(model_id: str) -> CohereEmbedder:
    region = os.environ.get(Variable.EMBEDDING_REGION) or region_of(Settings.from_environment().cluster_arn)
    return CohereEmbedder(model_id=model_id, timeout=EMBED_SECONDS, region=region)


def _confirm(arguments: argparse.Namespace, what: str) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise StchatError(f"this would {what}: add --yes to do it")
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise StchatError("nothing was changed")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _Reporter:
    """In a terminal one line that changes; elsewhere, as in a log, a line every 10 seconds."""

    def __init__(self, what: str) -> None:
        self._what, self._live, self._latest = what, sys.stderr.isatty(), time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        line = f"{done:,} of {total:,} {self._what}"
        if self._live:
            print(f"\r{line}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
        elif time.monotonic() - self._latest >= REPORT_SECONDS:
            self._latest = time.monotonic()
            _say(line)


_TO = {"metavar": "MODEL", "required": True, "help": "the model's id, an inference profile, or the ARN of either"}
_COMMANDS: Mapping[str, tuple[Any, str]] = {
    "status": (status, "how many memories there are by model; exits with 1 while they are of several"),
    "move": (move, "embed every memory by another model too, beside the one that it has; shows the cost first"),
    "finish": (finish, "make that model the only one, once the application uses it"),
}


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    for name, (run, what) in _COMMANDS.items():
        parser = group.add_parser(name, help=what, description=f"{what}; docs/embeddings.md", parents=[common])
        parser.set_defaults(
            run=run, stopped="stopped: what is done stays done, and the same command goes on from there"
        )
        if name != "status":
            parser.add_argument("--to", **_TO)  # type: ignore[arg-type]
            parser.add_argument("--yes", action="store_true", help="do it, without a question")
        if name == "move":
            parser.add_argument("--prices", type=Path, default=prices.FILE, metavar="FILE", help="other prices")
