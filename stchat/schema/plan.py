"""Which migrations are to be run, from the files and the databases' ledgers; refused before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from stchat.errors import LedgerError
from stchat.schema.ledger import Entry
from stchat.schema.migration import Migration


def by_database(files: Sequence[Migration]) -> dict[str, list[Migration]]:
    return {database: list(group) for database, group in groupby(files, lambda file: file.database)}


def pending(files: Sequence[Migration], entries: Mapping[int, Entry]) -> list[Migration]:
    """Of one database. One that has applied more than there are files is ahead (a rollback), and that is fine."""
    applied = {version: entry for version, entry in entries.items() if entry.applied_at}
    numbers = {file.version: file for file in files}
    last = max(applied, default=0)
    for version, entry in sorted(applied.items()):
        if version <= max(numbers, default=0):
            _same(files[0].database, entry, numbers.get(version))
    waiting = [file for file in files if file.version not in applied]
    for file in waiting:
        if file.version < last:
            raise LedgerError(
                f"{file.path}: not applied, but {last:04} after it is: give it the next number that is free"
            )
    return waiting


def _same(database: str, entry: Entry, file: Migration | None) -> None:
    path = f"sql/{database}/{entry.name}"
    if file is None or file.name != entry.name:
        found = f", found {file.name}" if file else ""
        raise LedgerError(f"{path}: applied on {entry.applied_at:%Y-%m-%d}, but the file is gone{found}: put it back")
    if file.checksum != entry.checksum:
        raise LedgerError(
            f"{path}: changed since it was applied on {entry.applied_at:%Y-%m-%d}"
            f" (checksum {entry.checksum[:12]}, got {file.checksum[:12]}):"
            " put the file back as it was, and write the change as a new migration"
        )
