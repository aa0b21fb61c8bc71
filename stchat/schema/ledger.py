"""What a database has recorded of its migrations: the table `schema_migrations`, one row each.

A row without `applied_at` is a migration that is at work or failed. The row is also the lock: to acquire a
version is to write its row, in the transaction that applies a transactional file, or committed with a lease for one
that is not. All times are the database's own. A lease that ends further away than a lease lasts is from before
a clock was set back, and counts for nothing: a clock can make two runners meet, never stop both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stchat.data_api import DataApi, Transaction
from stchat.errors import DatabaseError, LedgerError
from stchat.schema import ledger_sql
from stchat.schema.migration import Migration, Script

LEASE_SECONDS = 90  # twice what a call of the Data API may take
LOCK_TIMEOUT = "1s"  # for the ledger's row and for every lock in that transaction: the application waits behind it

_MEANWHILE = ("23505", "42P07", "42710")  # IF NOT EXISTS does not see what another runner makes at that instant
_OTHER = "42703"  # no such column
_ABSENT = ("42P01", "3D000")  # no such table, no such database


@dataclass(frozen=True)
class Entry:
    """`statements`: how many are done; `done`: what identifies those; `error`: why it failed, or waits.

    `owned`: a runner is at work on it, or waits.
    """

    version: int
    name: str
    checksum: str
    deploy: str
    started_at: datetime
    applied_at: datetime | None
    duration_ms: int | None
    statements: int
    done: str
    error: str | None
    owned: bool = False

    @property
    def state(self) -> str:
        if self.applied_at:
            return "applied"
        if self.error:
            return "waiting" if self.owned else "failed"
        return "running"


@dataclass(frozen=True)
class Lease:
    """`pid`: the server process of the call, which in a transaction stays the same.

    `tries`: as the row has it: negative where an earlier deploy has begun the statement, and this one has not.
    """

    statements: int
    done: str
    tries: int
    pid: int

    @property
    def attempts(self) -> int:
        """Of the statement that is next, by this deploy."""
        return max(0, self.tries)

    @property
    def begun(self) -> bool:
        """Whether that statement may have run already."""
        return self.tries != 0


@dataclass(frozen=True)
class Ledger:
    """One database's. `lease_owner` is this runner's alone; `deploy` is for people to read."""

    api: DataApi
    lease_owner: str
    deploy: str
    lease_seconds: float = LEASE_SECONDS

    def read(self) -> dict[int, Entry] | None:
        """None: there is no ledger, so nothing is applied. Never writes."""
        try:
            rows = self.api.execute(ledger_sql.READ, idempotent=True).rows
        except DatabaseError as error:
            if error.sqlstate in _ABSENT:
                return None
            if error.sqlstate == _OTHER:
                raise LedgerError(
                    f"{self.api.database}: its table schema_migrations is another tool's ({error}): rename it"
                ) from error
            raise
        return {row["version"]: Entry(**row) for row in rows}

    def create(self) -> None:
        try:
            self.api.execute(ledger_sql.CREATE, idempotent=True)
        except DatabaseError as error:
            if error.sqlstate not in _MEANWHILE:
                raise

    def acquire(self, migration: Migration, within: Transaction | None = None) -> Lease | None:
        """Or renew the lease on a version. None: it is applied, or another runner has the lease."""
        values = {
            **self._values(migration),
            "lock_timeout": LOCK_TIMEOUT,
        }
        result = (
            within.execute(ledger_sql.ACQUIRE, values)
            if within
            else self.api.execute(ledger_sql.ACQUIRE, values, idempotent=True)
        )
        return Lease(**result.rows[0]) if result.rows else None

    def advance(self, script: Script, statements: int, within: Transaction | None = None) -> bool:
        """Records that so many statements are done; False: another runner has taken over."""
        values = {
            **self._key(script.migration),
            "statements": statements,
            "done": script.done(statements),
            "applied": statements == len(script.statements),
        }
        return self._changed(ledger_sql.ADVANCE, values, within)

    def count_attempt(self, migration: Migration, attempts: int) -> bool:
        return self._changed(ledger_sql.TRY, {**self._key(migration), "tries": attempts})

    def postpone(self, migration: Migration, reason: str) -> int | None:
        """Counts an attempt of its next statement, and leaves the row to every runner. None: another has it."""
        rows = self.api.execute(ledger_sql.POSTPONE, {**self._values(migration), "reason": reason}).rows
        return rows[0]["tries"] if rows else None

    def pause(self, migration: Migration, seconds: float) -> None:
        """No runner takes up what is postponed before that."""
        self._changed(ledger_sql.PAUSE, {"version": migration.version, "seconds": seconds})

    def fail(self, migration: Migration, error: str) -> bool:
        """Of a file that this runner has, or that was postponed."""
        return self._changed(ledger_sql.FAIL, {**self._key(migration), "error": error})

    def release(self) -> None:
        self._changed(ledger_sql.RELEASE, {"holder": self.lease_owner})

    def baseline(self, migration: Migration, within: Transaction) -> None:
        values = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
        within.execute(
            ledger_sql.BASELINE, {**values, "deploy": f"baseline by {self.deploy}", "statements": len(migration.spans)}
        )

    def _values(self, migration: Migration) -> dict[str, Any]:
        return {
            **self._key(migration),
            "name": migration.name,
            "checksum": migration.checksum,
            "deploy": self.deploy,
            "lease": float(self.lease_seconds),
        }

    def _key(self, migration: Migration) -> dict[str, Any]:
        return {"version": migration.version, "holder": self.lease_owner}

    def _changed(self, sql: str, values: Mapping[str, Any], within: Transaction | None = None) -> bool:
        result = within.execute(sql, values) if within else self.api.execute(sql, values, idempotent=True)
        return result.updated == 1
