"""What is refused before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stchat.errors import LedgerError
from stchat.schema.ledger import Entry
from stchat.schema.migration import Migration
from stchat.schema.plan import pending

WHEN = datetime(2026, 1, 2, tzinfo=UTC)


def file(version: int, checksum: str = "a" * 64) -> Migration:
    return Migration("app", f"{version:04}_x.sql", checksum, True, ((0, 1),))


def entries(*versions: int, applied: bool = True) -> dict[int, Entry]:
    when = WHEN if applied else None
    return {v: Entry(v, f"{v:04}_x.sql", "a" * 64, "d", WHEN, when, 1, 1, "", None) for v in versions}


def refused(files: list[Migration], entries: dict[int, Entry]) -> str:
    with pytest.raises(LedgerError) as raised:
        pending(files, entries)
    return str(raised.value)


def test_pending() -> None:
    files = [file(1), file(2), file(3)]
    assert pending(files, {}) == files
    assert pending(files, entries(1)) == files[1:]
    assert pending(files, entries(1, 2, 3)) == []


def test_a_migration_that_stopped_is_pending() -> None:
    assert pending([file(1), file(2, "b" * 64)], entries(1) | entries(2, applied=False)) == [file(2, "b" * 64)]


def test_a_database_that_is_ahead_is_fine() -> None:
    assert pending([file(1)], entries(1, 2, 3)) == []


def test_changed() -> None:
    assert refused([file(1, "b" * 64)], entries(1)) == (
        "sql/app/0001_x.sql: changed since it was applied on 2026-01-02 (checksum aaaaaaaaaaaa, got bbbbbbbbbbbb):"
        " put the file back as it was, and write the change as a new migration"
    )


def test_missing_and_renamed() -> None:
    assert refused([file(2)], entries(1, 2)) == (
        "sql/app/0001_x.sql: applied on 2026-01-02, but the file is gone: put it back"
    )
    renamed = Migration("app", "0001_y.sql", "a" * 64, True, ((0, 1),))
    assert refused([renamed], entries(1)) == (
        "sql/app/0001_x.sql: applied on 2026-01-02, but the file is gone, found 0001_y.sql: put it back"
    )


def test_below_the_last_applied() -> None:
    assert refused([file(1), file(2), file(3)], entries(1, 3)) == (
        "sql/app/0002_x.sql: not applied, but 0003 after it is: give it the next number that is free"
    )
