"""`stchat user`: all that the database holds of a user, and what has expired of all users."""

from __future__ import annotations

import argparse
from pathlib import Path

from stchat.data_api import DataApi
from stchat.environment import ApplicationSettings, database_of
from stchat.errors import StchatError
from stchat.ops import user_data
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer, moment, table
from stchat.ops.cli.progress import progress
from stchat.ops.sweep import ROWS, expired, sweep

_AS_APPLICATION = "as the role st_chat_app, by STCHAT_APP_SECRET_ARN; USER is the application's own id of a user"
_EXPORT = (
    "write all turns, memories and items of LangGraph's store of a user to a file of JSON lines; `stchat chat import`"
    " reads it"
)
_ERASE = "delete all rows of a user in every table, and print a receipt"
_SWEEP = "delete what has expired of all users: turns, memories, states of agents"


def export(arguments: argparse.Namespace) -> Answer:
    api = _application(arguments)
    with progress() as report:
        counts = user_data.export_file(api, arguments.user, arguments.file, report)
    what = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return Answer([{**counts, "file": str(arguments.file)}], f"{arguments.file}: {what}")


def erase(arguments: argparse.Namespace) -> Answer:
    api = _application(arguments)
    if not arguments.yes:
        rows = user_data.count(api, arguments.user)
        shown = ", ".join(f"{number:,} in {name}" for name, number in rows.items() if number) or "none"
        raise StchatError(f"this would delete all rows of this user ({shown}): add --yes to do it")
    with progress() as report:
        receipt = user_data.erase(api, arguments.user, report)
    rows_erased = [{"table": name, "rows": number} for name, number in receipt.rows.items()]
    heading = f"erased: all rows of the user whose id has the SHA-256 {receipt.user}, at {moment(receipt.erased_at)}"
    return Answer(
        rows_erased,
        f"{heading}\n{table(rows_erased, right=('rows',))}\nBackups keep them for a while: docs/privacy.md",
        data={"user_sha256": receipt.user, "erased_at": receipt.erased_at.isoformat(), "rows": dict(receipt.rows)},
    )


def sweep_expired(arguments: argparse.Namespace) -> Answer:
    api = connect(arguments.database)
    with progress() as report:
        done = sweep(api, report)
    left = expired(api)
    row = {
        "turns": done.turns,
        "memories": done.memories,
        "states": done.states,
        "left": left.turns + left.memories,
        "longest_step_seconds": round(done.longest, 2),
    }
    more = f"; left, since others have locked them or they expired meanwhile: {row['left']:,}" if row["left"] else ""
    states = f", {done.states:,} states of agents" if done.states else ""
    return Answer([row], f"deleted: {done.turns:,} turns, {done.memories:,} memories{states}{more}")


def _application(arguments: argparse.Namespace) -> DataApi:
    api = DataApi.from_settings(ApplicationSettings.from_environment())
    return api.with_database(database_of(arguments.database, "--database")) if arguments.database else api


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = group.add_parser("export", help=_EXPORT, description=f"{_EXPORT}; {_AS_APPLICATION}", parents=[common])
    parser.add_argument("user", metavar="USER")
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="a new file, which you alone may read")
    parser.set_defaults(run=export)
    parser = group.add_parser("erase", help=_ERASE, description=f"{_ERASE}; {_AS_APPLICATION}", parents=[common])
    parser.add_argument("user", metavar="USER")
    parser.add_argument("--yes", action="store_true", help="do it; without it, show what would be deleted")
    parser.set_defaults(run=erase, stopped="stopped: what is deleted stays deleted; run it again for the rest")
    parser = group.add_parser(
        "sweep",
        help=_SWEEP,
        description=f"{_SWEEP}, {ROWS:,} rows per call of the Data API; as the master, by STCHAT_SECRET_ARN. It may be"
        " stopped and begun again. What has expired is never answered, swept or not (docs/memory.md).",
        parents=[common],
    )
    parser.set_defaults(run=sweep_expired, stopped="stopped: what is deleted stays deleted; run it again to go on")
