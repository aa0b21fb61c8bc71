"""`stchat schema status` in 80 columns: what matters first, a database at a time, with times in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from itertools import groupby
from typing import Any

from stchat.ops.cli.output import table
from stchat.schema.ledger import Entry
from stchat.schema.migration import Migration

_NAME = 45  # characters of a file's name: what a state and a time leave of 80


def status_rows(database: str, recorded: Mapping[int, Entry], files: Sequence[Migration]) -> list[dict[str, Any]]:
    names = {file.version: file.name for file in files} | {version: entry.name for version, entry in recorded.items()}
    there = {file.version: file.name for file in files}
    rows = []
    for version, name in sorted(names.items()):
        entry = recorded.get(version)
        state = entry.state if entry else "pending"
        rows.append(
            {
                "database": database,
                "migration": name,
                "state": "file gone" if state == "applied" and there.get(version) != name else state,
                "applied": entry.applied_at if entry else None,
                "ms": entry.duration_ms if entry else None,
                "by": entry.deploy if entry else None,
            }
        )
    return rows


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
