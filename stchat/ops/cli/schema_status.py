"""`stchat schema status` in 80 columns: what matters first, a database at a time, with times in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import groupby
from typing import Any

from stchat.ops.cli.output import table

_NAME = 45  # characters of a file's name: what a state and a time leave of 80


def narrow_table_of(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(
        f"{database}\n" + "\n".join(f"  {line}" for line in table([_row(row) for row in group]).splitlines())
        for database, group in groupby(rows, lambda row: row["database"])
    )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    name, applied = row["migration"], row["applied"]
    return {
        "state": row["state"],
        "applied": f"{applied.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if applied else "",
        "migration": name if len(name) <= _NAME else f"{name[: _NAME - 7]}...{name[-4:]}",
    }
