"""`stchat schema`: the migrations of sql/ against the databases."""

from __future__ import annotations

import argparse
import getpass
import logging
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stchat.data_api import aws_client
from stchat.environment import Settings, region_of
from stchat.errors import LedgerError, MigrationError
from stchat.ops.cli.arguments import integer
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer
from stchat.ops.cli.output import table as table_of
from stchat.ops.cli.schema_status import narrow_table_of, status_rows
from stchat.schema import global_hnsw_index, memory_codes, memory_words
from stchat.schema.baseline import baseline, differences
from stchat.schema.execution import RetryLater
from stchat.schema.folder import check_name, listing
from stchat.schema.migration import Migration
from stchat.schema.observation import observe
from stchat.schema.plan import by_database, pending
from stchat.schema.roles import parse_roles, set_role_passwords
from stchat.schema.runner import Runner

if TYPE_CHECKING:
    from stchat.sql_lint.parse import Files

log = logging.getLogger(__name__)

_NEW = """-- Why this change is needed.

"""


def _files(arguments: argparse.Namespace, *, strict: bool = False) -> Files:
    """Split into statements, which takes PostgreSQL's grammar: the extra `cdk`. Raises FileError."""
    from stchat.sql_lint.parse import load

    return load(arguments.sql, strict=strict)


def _runner(arguments: argparse.Namespace, files: Sequence[Migration]) -> Runner:
    who = f"{getpass.getuser()}@{socket.gethostname()} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Runner(connect(), files, arguments.sql, who)


def _runner_of_pending(arguments: argparse.Namespace) -> Runner | None:
    """None: nothing is pending, which takes no grammar to see."""
    listed = listing(arguments.sql)
    runner = _runner(arguments, listed)
    entries = runner.entries()
    if not any(pending(files, entries[database] or {}) for database, files in by_database(listed).items()):
        return None
    return _runner(arguments, _files(arguments).migrations)


def status(arguments: argparse.Namespace) -> Answer:
    """Exits with 1 when a deploy would refuse, a file is gone or has failed, or the schema is another."""
    runner = _runner(arguments, _files(arguments).migrations if arguments.compare else listing(arguments.sql))
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for (database, entries), files in zip(runner.entries().items(), by_database(runner.files).values(), strict=True):
        recorded = entries or {}
        rows += status_rows(database, recorded, files)
        problems += [
            f"{database}: {entry.error}" for entry in recorded.values() if entry.state in ("failed", "waiting")
        ]
        last = max((file.version for file in files), default=0)
        problems += [
            f"sql/{database}/{entry.name}: applied on {entry.applied_at:%Y-%m-%d}, but the file is gone: put it back"
            for entry in recorded.values()
            if entry.applied_at and entry.version > last
        ]
        try:
            pending(files, recorded)
        except LedgerError as error:
            problems.append(str(error))
            continue
        applied = [file for file in files if file.version in recorded and recorded[file.version].applied_at]
        if arguments.compare and applied and database != "postgres":
            found = differences(runner.api.with_database(database), applied, arguments.sql)
            # Whether the global HNSW index is to be there is a setting, which is not known here.
            problems += [f"{database}: {line}" for line in found if global_hnsw_index.INDEX not in line]
    text = "\n".join([table_of(rows) if arguments.wide else narrow_table_of(rows), *problems])
    return Answer(rows, text, code=1 if problems else 0, data={"migrations": rows, "problems": problems})


def plan(arguments: argparse.Namespace) -> Answer:
    rows, text = [], []
    runner = _runner_of_pending(arguments)
    for script, entry in runner.pending() if runner else []:
        done = entry.statements if entry else 0
        statements = [statement.text for statement in script.statements[done:]]
        mode = "in one transaction" if script.migration.transactional else "statement by statement"
        rows.append({"migration": script.migration.path, "mode": mode, "statements": statements})
        text.append(f"-- {script.migration.path}: {mode}\n" + "\n\n".join(f"{sql};" for sql in statements) + "\n")
    return Answer(rows, "\n".join(text) or "-- nothing to do")


def apply(arguments: argparse.Namespace) -> Answer:
    """Roles get their passwords where their secrets are given; else a deploy sets them, which knows the secrets."""
    roles = parse_roles(arguments.roles)
    runner = _runner_of_pending(arguments)
    scripts = runner.pending() if runner else []
    if runner:
        runner.apply()
    rows = [{"applied": script.migration.path} for script, _ in scripts]
    if roles:
        rows += [{"applied": f"password of role {role}"} for role in _set_passwords(roles)]
    return Answer(rows)


def _set_passwords(roles: Mapping[str, str]) -> list[str]:
    secrets = aws_client("secretsmanager", region_of(Settings.from_environment().cluster_arn), attempts=3)
    while True:
        try:
            return set_role_passwords(connect("postgres"), secrets, roles)
        except RetryLater as reason:
            log.info("%s", reason)
            time.sleep(1)


def check(arguments: argparse.Namespace) -> Answer:
    files = _files(arguments, strict=arguments.strict)
    rows = [{"migration": file.path, "checksum": file.checksum} for file in files.migrations]
    lines = [*files.warnings, f"{len(files.migrations)} migrations are well-formed"]
    if not arguments.database:
        return Answer(rows, "\n".join(lines))
    effects = observe(connect("postgres"), files.migrations, files.allowed, arguments.sql)
    lines += [*effects, f"{len(files.migrations)} migrations ran in databases of their own, which are dropped again"]
    return Answer(rows, "\n".join(lines), code=1 if effects and arguments.strict else 0, data={"effects": effects})


def adopt(arguments: argparse.Namespace) -> Answer:
    runner = _runner(arguments, _files(arguments).migrations)
    files = by_database(runner.files).get(arguments.database, [])
    chosen = [file for file in files if file.version <= arguments.version]
    if not chosen or chosen[-1].version != arguments.version:
        raise MigrationError(f"sql/{arguments.database}/ has no migration {arguments.version:04}: it has {len(files)}")
    baseline(runner.ledger(arguments.database), chosen, arguments.sql)
    return Answer([{"recorded": file.path} for file in chosen])


def index(arguments: argparse.Namespace) -> Answer:
    """A deploy brings it to the stage's setting again."""
    runner = _runner(arguments, [])
    global_hnsw_index.keep_waiting(runner.api.with_database(arguments.database), arguments.state == "on", runner.deploy)
    return Answer([{"database": arguments.database, "global HNSW index": arguments.state}])


def codes(arguments: argparse.Namespace) -> Answer:
    """Readers and writers of memories never wait for it."""
    api = connect(arguments.database)
    found = memory_codes.fits(api) if arguments.look else memory_codes.keep(api, learn=arguments.learn or None)
    if not arguments.look:
        memory_words.keep(api)
    words = {"without words": memory_words.missing(api)}
    return Answer([{"database": arguments.database} | asdict(one) | words for one in found])


def new(arguments: argparse.Namespace) -> Answer:
    check_name(arguments.database, arguments.what)
    folder: Path = arguments.sql / arguments.database
    numbers = [file.version for file in listing(arguments.sql) if file.database == arguments.database]
    file = folder / f"{max(numbers, default=0) + 1:04}_{arguments.what}.sql"
    folder.mkdir(exist_ok=True)
    file.write_text(_NEW)
    return Answer([{"created": str(file)}])


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    commands = {
        "status": (status, "what is applied, pending or failed; exits with 1 if that does not fit the files"),
        "plan": (plan, "the SQL that a deploy would run"),
        "apply": (apply, "run it here, however long it takes"),
        "check": (check, "parse the files and list what they may cost; with --database also run them"),
        "baseline": (adopt, "record migrations as applied, if the schema is as they make it"),
        "index": (index, "build or drop the global HNSW index, however long it takes"),
        "codes": (codes, "how recall's codes fit the memories; learn and code again what is due"),
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
    parsers["status"].add_argument("--wide", action="store_true", help="also how long each took, and for whom it ran")
    parsers["apply"].add_argument(
        "--roles", nargs="+", default=[], metavar="ROLE=SECRET_ARN", help="also set the passwords of these roles"
    )
    parsers["check"].add_argument(
        "--database",
        action="store_true",
        help="also run the files in new databases beside those of STCHAT_CLUSTER_ARN, and look at what they do",
    )
    parsers["check"].add_argument("--strict", action="store_true", help="refuse what prod refuses")
    for name in ("baseline", "index", "new"):
        parsers[name].add_argument("database", metavar="DATABASE")
    parsers["baseline"].add_argument("version", metavar="VERSION", type=integer(1, 9999), help="the last to record")
    parsers["index"].add_argument("state", choices=("on", "off"))
    parsers["codes"].add_argument("database", metavar="DATABASE")
    parsers["codes"].add_argument("--look", action="store_true", help="only print how they fit")
    parsers["codes"].add_argument("--learn", action="store_true", help="learn again even if it is not due")
    parsers["codes"].set_defaults(stopped="stopped: what is coded stays coded, and the same command continues")
    parsers["new"].add_argument("what", metavar="WHAT", help="in a-z, 0-9 and _, such as add_theme")
