"""`stchat chat`: one user's history and memory, with the library that the application uses."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from stchat.chat import ChatHistory, ChatMemory, Mode
from stchat.errors import StchatError
from stchat.ops.chat_import import CONFLICTS_SHOWN, Import, Progress
from stchat.ops.cli.output import Answer

REPORT_SECONDS = 10.0

_AS = "as the role st_chat_app, by STCHAT_APP_SECRET_ARN; USER is the application's own id of a user"


def add(arguments: argparse.Namespace) -> Answer:
    turn = (arguments.theme, arguments.chatid, arguments.userinput, arguments.botresponse)
    created = ChatHistory.from_env().add(arguments.user, *turn)
    return _done("turn", _outcome(created))


def history(arguments: argparse.Namespace) -> Answer:
    turns = ChatHistory.from_env().turns(arguments.user, arguments.theme, arguments.limit, arguments.before)
    return Answer([asdict(turn) for turn in turns])


def themes(arguments: argparse.Namespace) -> Answer:
    return Answer([asdict(theme) for theme in ChatHistory.from_env().themes(arguments.user)])


def delete(arguments: argparse.Namespace) -> Answer:
    _confirm(arguments, "turns")
    return _done("deleted", ChatHistory.from_env().delete(arguments.user, arguments.theme))


def remember(arguments: argparse.Namespace) -> Answer:
    item = {name: getattr(arguments, name) for name in ("theme", "chatid", "summary", "metadata")}
    done = ChatMemory.from_env().remember_many([{"userid": arguments.user} | item])
    truncated = " (longer than the model reads: the rest is stored, and not searched)" if done.truncated else ""
    return _done("memory", _outcome(done.created == 1) + truncated)


def recall(arguments: argparse.Namespace) -> Answer:
    names = ("theme", "metadata", "mode", "filter", "since", "until", "half_life", "recency")
    options = {name: getattr(arguments, name) for name in names}
    found = ChatMemory.from_env().recall(arguments.user, arguments.query, arguments.k, **options)
    return Answer([{name: _rounded(value) for name, value in asdict(memory).items()} for memory in found])


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def forget(arguments: argparse.Namespace) -> Answer:
    _confirm(arguments, "memories")
    return _done("deleted", ChatMemory.from_env().delete(arguments.user, arguments.theme, arguments.chatid))


def import_file(arguments: argparse.Namespace) -> Answer:
    memory = ChatMemory.from_env()
    importing = Import(ChatHistory(memory.api), memory, arguments.file, _reporter())
    done = importing.run(arguments.from_line, check=arguments.check)
    if arguments.check:
        return Answer([{"rows": done.rows}], f"every line can be imported: {done.rows:,} rows; nothing was sent")
    lines = [f"created: {done.created:,}  already existed: {done.existing:,}"]
    if done.truncated:
        lines.append(f"longer than the model reads, so stored, and searched in part: {done.truncated:,} memories")
    if done.conflicts:
        shown = ", ".join(f"{line}" for line in done.conflicts[:CONFLICTS_SHOWN])
        more = ", ..." if len(done.conflicts) > CONFLICTS_SHOWN else ""
        lines.append(
            f"not stored, since another turn has their userid, theme and chatid: {len(done.conflicts):,} turns,"
            f" lines {shown}{more}"
        )
    fields = ("created", "existing", "truncated", "conflicts")
    row = {name: getattr(done, name) for name in fields}
    return Answer([row], "\n".join(lines), code=int(bool(done.conflicts)))


def _reporter() -> Callable[[Progress], None]:
    """In a terminal one line that changes; elsewhere, as in a log, a line every 10 seconds."""
    live = sys.stderr.isatty()
    latest = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal latest
        if live:
            print(f"\r{progress}", end="\n" if progress.position == progress.size else "", file=sys.stderr, flush=True)
        elif time.monotonic() - latest >= REPORT_SECONDS:
            latest = time.monotonic()
            print(progress, file=sys.stderr, flush=True)

    return report


def _outcome(created: bool) -> str:
    return "created" if created else "already exists"


def _done(what: str, how: str | int) -> Answer:
    return Answer([{what: how}], f"{what}: {how}")


def _confirm(arguments: argparse.Namespace, what: str) -> None:
    if not arguments.yes:
        which = "of every theme" if arguments.theme is None else f"of theme {arguments.theme}"
        raise StchatError(f"this would delete the user's {what} {which}: add --yes to do it")


def _json(text: str) -> Any:
    """argparse shows the text of this error."""
    try:
        return json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError('must be a JSON object, such as \'{"lang": "ja"}\'') from None


def _line(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("must be the number of a line, from 1")


_ARGUMENTS: Mapping[str, dict[str, Any]] = {
    "user": {"metavar": "USER"},
    "theme": {"metavar": "THEME"},
    "chatid": {"metavar": "CHATID", "type": int, "help": "an integer from 0"},
    "summary": {"metavar": "SUMMARY", "help": "the text to store"},
    "query": {"metavar": "QUERY", "help": "the text to search by"},
    "--theme": {"help": "only of this theme"},
    "--chatid": {"type": int, "help": "only of this chatid"},
    "--userinput": {"metavar": "TEXT", "help": "the user's input"},
    "--botresponse": {"metavar": "TEXT", "help": "the bot's response"},
    "--limit": {"type": int, "default": 50, "help": "how many, newest first (%(default)s)"},
    "--before": {"type": int, "metavar": "PRIMARYKEY", "help": "only older turns: the last one of a page"},
    "-k": {"type": int, "default": 10, "help": "how many, the best first (%(default)s)"},
    "--mode": {
        "choices": get_args(Mode),
        "default": "hybrid",
        "help": "by meaning and by words, or one of them (%(default)s)",
    },
    "--metadata": {"type": _json, "metavar": "JSON", "help": "a JSON object"},
    "--filter": {"type": _json, "metavar": "JSON", "help": 'of the metadata, such as \'{"price": {"$lt": 10}}\''},
    "--since": {"metavar": "TIME", "help": "only what was created then or later: ISO 8601 with a zone"},
    "--until": {"metavar": "TIME", "help": "only what was created before"},
    "--recency": {"type": float, "default": 0.0, "help": "which share of the score age takes, 0 to 1 (%(default)s)"},
    "--half-life": {"type": float, "metavar": "SECONDS", "help": "in which it takes half of that share"},
    "--yes": {"action": "store_true", "help": "do it"},
}
_COMMANDS: Mapping[str, tuple[Callable[[argparse.Namespace], Answer], str, tuple[str, ...]]] = {
    "add": (add, "store one turn; the same turn twice is one", ("theme", "chatid", "--userinput", "--botresponse")),
    "history": (history, "the user's turns, newest first", ("--theme", "--limit", "--before")),
    "themes": (themes, "the user's themes, the latest first", ()),
    "delete": (delete, "delete turns", ("--theme", "--yes")),
    "remember": (remember, "store one memory with its vector", ("theme", "chatid", "summary", "--metadata")),
    "recall": (
        recall,
        "the memories that fit a question best",
        (
            "query",
            "-k",
            "--theme",
            "--metadata",
            "--mode",
            "--filter",
            "--since",
            "--until",
            "--recency",
            "--half-life",
        ),
    ),
    "forget": (forget, "delete memories", ("--theme", "--chatid", "--yes")),
}


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    for name, (run, what, arguments) in _COMMANDS.items():
        parser = group.add_parser(name, help=what, description=f"{what}; {_AS}", parents=[common])
        parser.set_defaults(run=run)
        for argument in ("user", *arguments):
            parser.add_argument(argument, **_ARGUMENTS[argument])
    what = "store turns and memories from a file of JSON lines; what is there already is not stored twice"
    parser = group.add_parser(
        "import", help=what, description=f"{what}; docs/import.md has the format", parents=[common]
    )
    parser.set_defaults(run=import_file)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="one turn or memory a line")
    parser.add_argument("--from-line", type=_line, default=1, metavar="LINE", help="continue an import that stopped")
    parser.add_argument("--check", action="store_true", help="check every line, and send nothing")
