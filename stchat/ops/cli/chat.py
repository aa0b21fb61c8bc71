"""`stchat chat`: one user's history and memory, with the library that the application uses."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from stchat.chat import UNCHANGED, ChatHistory, ChatMemory, Memory
from stchat.errors import StchatError
from stchat.ops.chat_import import CONFLICTS_SHOWN, Import
from stchat.ops.cli.arguments import integer
from stchat.ops.cli.chat_arguments import ARGUMENTS
from stchat.ops.cli.output import Answer
from stchat.ops.cli.progress import progress

NEVER = "never"

_REMEMBERED = ("theme", "chatid", "summary", "metadata", "id", "expires_at")
_AS = "as the role st_chat_app, by STCHAT_APP_SECRET_ARN; USER is the application's own id of a user"


def add(arguments: argparse.Namespace) -> Answer:
    if arguments.userinput is None and arguments.botresponse is None:
        raise StchatError("a turn needs a text: give --userinput, --botresponse or both")
    names = ("theme", "chatid", "userinput", "botresponse", "expires_at")
    created = ChatHistory.from_env().add(arguments.user, *(getattr(arguments, name) for name in names))
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
    item = {name: getattr(arguments, name) for name in _REMEMBERED}
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


def get(arguments: argparse.Namespace) -> Answer:
    return _stored(ChatMemory.from_env().get(arguments.user, arguments.ids))


def list_memories(arguments: argparse.Namespace) -> Answer:
    found = ChatMemory.from_env().list(arguments.user, arguments.theme, arguments.after, arguments.limit)
    return _stored(found)


def _stored(found: list[Memory]) -> Answer:
    """Without what only a search tells."""
    searched = ("similarity", "score", "semantic", "lexical")
    rows = [{name: value for name, value in asdict(memory).items() if name not in searched} for memory in found]
    return Answer([{"id": row.pop("id")} | row for row in rows])


def update(arguments: argparse.Namespace) -> Answer:
    given = {name: getattr(arguments, name) for name in ("summary", "metadata", "expires_at")}
    if given["expires_at"] == NEVER:
        given["expires_at"] = None
    found = ChatMemory.from_env().update(arguments.user, arguments.id, **given)
    return Answer([{"found": found}], "memory: changed" if found else "no memory has this id", code=int(not found))


def forget(arguments: argparse.Namespace) -> Answer:
    if arguments.ids:
        if arguments.theme is not None or arguments.chatid is not None:
            raise StchatError("--ids must be given without --theme and --chatid, got them too: it names the memories")
        return _done("deleted", ChatMemory.from_env().forget(arguments.user, arguments.ids))
    _confirm(arguments, "memories")
    return _done("deleted", ChatMemory.from_env().delete(arguments.user, arguments.theme, arguments.chatid))


def import_file(arguments: argparse.Namespace) -> Answer:
    memory = ChatMemory.from_env()
    history = replace(ChatHistory.from_env(), api=memory.api)
    with progress() as report:
        done = Import(history, memory, arguments.file, report).run(arguments.from_line, check=arguments.check)
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


def _outcome(created: bool) -> str:
    return "created" if created else "already exists"


def _done(what: str, how: str | int) -> Answer:
    return Answer([{what: how}], f"{what}: {how}")


def _confirm(arguments: argparse.Namespace, what: str) -> None:
    if not arguments.yes:
        which = "of every theme" if arguments.theme is None else f"of theme {arguments.theme}"
        raise StchatError(f"this would delete the user's {what} {which}: add --yes to do it")


_RECALL = (
    "query", "-k --k", "--theme", "--metadata", "--mode", "--filter", "--since", "--until", "--recency", "--half-life",
)  # fmt: skip
_COMMANDS: Mapping[str, tuple[Callable[[argparse.Namespace], Answer], str, tuple[str, ...]]] = {
    "add": (
        add,
        "store one turn; the same turn twice is one",
        ("theme", "chatid", "--userinput", "--botresponse", "--expires-at"),
    ),
    "history": (history, "the user's turns, newest first", ("--theme", "--limit", "--before")),
    "themes": (themes, "the user's themes, the latest first", ()),
    "delete": (delete, "delete turns", ("--theme", "--yes")),
    "remember": (
        remember,
        "store one memory with its vector",
        ("theme", "chatid", "summary", "--metadata", "--id", "--expires-at"),
    ),
    "recall": (recall, "the memories that fit a question best", _RECALL),
    "list": (list_memories, "the user's memories, oldest first", ("--theme", "--limit", "--after")),
    "get": (get, "memories by their ids", ("ids",)),
    "update": (update, "change one memory", ("id", "--summary", "--metadata", "--expires-at")),
    "forget": (forget, "delete memories", ("--theme", "--chatid", "--ids", "--yes")),
}


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    for name, (run, what, arguments) in _COMMANDS.items():
        parser = group.add_parser(name, help=what, description=f"{what}; {_AS}", parents=[common])
        parser.set_defaults(run=run)
        for argument in ("user", *arguments):
            parser.add_argument(*argument.split(), **ARGUMENTS[argument])
        if run is update:
            parser.set_defaults(summary=UNCHANGED, metadata=UNCHANGED, expires_at=UNCHANGED)
    what = (
        "store turns, memories and items of LangGraph's store from a file of JSON lines; what is there already is not"
        " stored twice"
    )
    parser = group.add_parser(
        "import", help=what, description=f"{what}; docs/import.md has the format", parents=[common]
    )
    parser.set_defaults(run=import_file)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="one turn or memory a line")
    parser.add_argument(
        "--from-line", type=integer(1), default=1, metavar="LINE", help="continue an import that stopped"
    )
    parser.add_argument("--check", action="store_true", help="check every line, and send nothing")
