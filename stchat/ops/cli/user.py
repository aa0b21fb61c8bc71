"""`stchat user`: what the operator does for users, as the owner of the tables."""

from __future__ import annotations

import argparse

from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer
from stchat.ops.cli.progress import reporter
from stchat.ops.sweep import ROWS, expired, sweep

_SWEEP = "delete what has expired of all users, turns and memories"


def sweep_expired(arguments: argparse.Namespace) -> Answer:
    api = connect(arguments.database)
    report = reporter()
    done = sweep(api, lambda progress: report(progress, False))
    left = expired(api)
    row = {
        "turns": done.turns,
        "memories": done.memories,
        "left": left.turns + left.memories,
        "longest_step_seconds": round(done.longest, 2),
    }
    more = f"; left, since others have locked them or they expired meanwhile: {row['left']:,}" if row["left"] else ""
    return Answer([row], f"deleted: {done.turns:,} turns, {done.memories:,} memories{more}")


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = group.add_parser(
        "sweep",
        help=_SWEEP,
        description=f"{_SWEEP}, {ROWS:,} rows per call of the Data API; as the master, by STCHAT_SECRET_ARN. It may be"
        " stopped and begun again. What has expired is never answered, swept or not (docs/memory.md).",
        parents=[common],
    )
    parser.set_defaults(run=sweep_expired, stopped="stopped: what is deleted stays deleted; run it again to go on")
