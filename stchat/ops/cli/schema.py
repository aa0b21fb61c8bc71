"""`stchat schema`: the migrations of sql/ against the databases."""

from __future__ import annotations

import argparse
import getpass
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stchat.errors import LedgerError, MigrationError
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer
from stchat.schema import global_hnsw_index
from stchat.schema.baseline import baseline, differences
from stchat.schema.ledger import Entry
from stchat.schema.migration import Migration
from stchat.schema.plan import by_database, pending
from stchat.schema.runner import Runner

if TYPE_CHECKING:
    from stchat.sql_lint.parse import Files

_NEW = """-- Why this change is needed.

"""


def load(directory: Path, *, strict: bool = False) -> Files:
    """With the SQL parser, which is an extra: imported by the commands that need it, not by `--help`."""
    from stchat.sql_lint.parse import load as parse

    return parse(directory, strict=strict)


def _runner(arguments: argparse.Namespace) -> Runner:
    who = f"{getpass.getuser()}@{socket.gethostname()} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Runner(connect(), load(arguments.sql).migrations, arguments.sql, who)


def status(arguments: argparse.Namespace) -> Answer:
    """Exits with 1 when a deploy would refuse, a migration has stopped half-way, or the schema is another."""
    runner = _runner(arguments)
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for (database, entries), files in zip(runner.entries().items(), by_database(runner.files).values(), strict=True):
        known = entries or {}
        rows += _status(database, known, files)
        problems += [f"{database}: {entry.error}" for entry in known.values() if entry.state == "dirty"]
        try:
            pending(files, known)
        except LedgerError as error:
            problems.append(str(error))
            continue
        applied = [file for file in files if file.version in known and known[file.version].applied_at]
        if arguments.compare and applied and database != "postgres":
            told = differences(runner.api.with_database(database), applied, arguments.sql)
            # Whether the global HNSW index is to be there, a setting says that is not known here.
            problems += [f"{database}: {line}" for line in told if global_hnsw_index.INDEX not in line]
    text = "\n".join([Answer(rows).to_text(), *problems])
    return Answer(rows, text, code=1 if problems else 0, data={"migrations": rows, "problems": problems})


def _status(database: str, known: Mapping[int, Entry], files: Sequence[Migration]) -> list[dict[str, Any]]:
    names = {file.version: file.name for file in files} | {version: entry.name for version, entry in known.items()}
    return [
        {
            "database": database,
            "migration": name,
            "state": known[version].state if version in known else "pending",
            "applied": known[version].applied_at if version in known else None,
            "ms": known[version].duration_ms if version in known else None,
            "by": known[version].deploy if version in known else None,
        }
        for version, name in sorted(names.items())
    ]


def plan(arguments: argparse.Namespace) -> Answer:
    rows, text = [], []
    for script, entry in _runner(arguments).pending():
        done = entry.statements if entry else 0
        statements = [statement.text for statement in script.statements[done:]]
        mode = "in one transaction" if script.migration.transactional else "statement by statement"
        rows.append({"migration": script.migration.path, "mode": mode, "statements": statements})
        text.append(f"-- {script.migration.path}: {mode}\n" + "\n\n".join(f"{sql};" for sql in statements) + "\n")
    return Answer(rows, "\n".join(text) or "-- nothing to do")


def apply(arguments: argparse.Namespace) -> Answer:
    """Roles get their passwords from a deploy alone, since only that knows their secrets."""
    runner = _runner(arguments)
    scripts = runner.pending()
    runner.apply()
    return Answer([{"applied": script.migration.path} for script, _ in scripts])


def check(arguments: argparse.Namespace) -> Answer:
    files = load(arguments.sql, strict=arguments.strict)
    said = [*files.warnings, f"{len(files.migrations)} migrations are well-formed"]
    return Answer([{"migration": file.path, "checksum": file.checksum} for file in files.migrations], "\n".join(said))


def adopt(arguments: argparse.Namespace) -> Answer:
    runner = _runner(arguments)
    files = by_database(runner.files).get(arguments.database, [])
    chosen = [file for file in files if file.version <= arguments.version]
    if not chosen or chosen[-1].version != arguments.version:
        raise MigrationError(f"sql/{arguments.database}/ has no migration {arguments.version:04}: it has {len(files)}")
    baseline(runner.ledger(arguments.database), chosen, arguments.sql)
    return Answer([{"recorded": file.path} for file in chosen])


def index(arguments: argparse.Namespace) -> Answer:
    """A deploy brings it to the stage's setting again."""
    runner = _runner(arguments)
    global_hnsw_index.keep_waiting(runner.api.with_database(arguments.database), arguments.state == "on", runner.deploy)
    return Answer([{"database": arguments.database, "global HNSW index": arguments.state}])


def new(arguments: argparse.Namespace) -> Answer:
    folder: Path = arguments.sql / arguments.database
    numbers = [file.version for file in load(arguments.sql).migrations if file.database == arguments.database]
    file = folder / f"{max(numbers, default=0) + 1:04}_{arguments.what}.sql"
    folder.mkdir(exist_ok=True)
    file.write_text(_NEW)
    return Answer([{"written": str(file)}])


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    commands = {
        "status": (status, "what is applied, pending or stopped; exits with 1 if that does not fit the files"),
        "plan": (plan, "the SQL that a deploy would run"),
        "apply": (apply, "run it here, however long it takes"),
        "check": (check, "parse the files; needs no database"),
        "baseline": (adopt, "record migrations as applied, if the schema is as they make it"),
        "index": (index, "build or drop the global HNSW index, however long it takes"),
        "new": (new, "write an empty migration with the next number"),
    }
    parsers = {
        name: group.add_parser(name, help=what, description=what, parents=[common])
        for name, (_, what) in commands.items()
    }
    for name, (run, _) in commands.items():
        parsers[name].set_defaults(run=run)
    parsers["apply"].set_defaults(stopped="stopped: what was applied stays applied, and apply goes on from there")
    parsers["status"].add_argument(
        "--compare", action="store_true", help="also run the files in a database of their own, and compare the schemas"
    )
    parsers["check"].add_argument("--strict", action="store_true", help="refuse what prod refuses")
    for name in ("baseline", "index", "new"):
        parsers[name].add_argument("database", metavar="DATABASE")
    parsers["baseline"].add_argument("version", metavar="VERSION", type=int, help="the last migration to record")
    parsers["index"].add_argument("state", choices=("on", "off"))
    parsers["new"].add_argument("what", metavar="WHAT", help="in a-z, 0-9 and _, such as add_theme")
