"""A row of the Data API holds 64 KB, so the database gives a long text as the parts of several rows."""

from __future__ import annotations

from collections.abc import Iterable

from stchat.values import Row


def joined(rows: Iterable[Row], *texts: str) -> list[Row]:
    """One row for each primarykey, in the order in which they come; `texts` are the columns that are in parts."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["primarykey"], []).append(row)
    return [_one(sorted(group, key=lambda row: int(row["part"])), texts) for group in groups.values()]


def _one(parts: list[Row], texts: tuple[str, ...]) -> Row:
    """A text that is NULL is so in its first part."""
    first = parts[0]
    return first | {
        name: None if first[name] is None else "".join(part[name] or "" for part in parts) for name in texts
    }
