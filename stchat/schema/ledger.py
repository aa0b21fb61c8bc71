"""What a database says of its migrations: the table `schema_migrations`, one row each.

A row without `applied_at` is a migration that is at work or stopped. The row is also the lock: to claim a
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
from stchat.schema.migration import Migration, Script

LEASE_SECONDS = 90  # twice what a call of the Data API may take
LOCK_TIMEOUT = "5s"  # for the ledger's row and for every lock in that transaction

_MEANWHILE = ("23505", "42P07")  # IF NOT EXISTS does not see what another runner makes at that instant
_OTHER = "42703"  # no such column
_ABSENT = ("42P01", "3D000")  # no such table, no such database

_CREATE = """
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    deploy text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    duration_ms bigint,
    statements integer NOT NULL DEFAULT 0,
    done text NOT NULL DEFAULT '',
    tries integer NOT NULL DEFAULT 0,
    error text,
    holder text,
    lease_until timestamptz
)"""

_READ = """
SELECT version, name, checksum, deploy, started_at, applied_at, duration_ms, statements, done, error
FROM public.schema_migrations ORDER BY version"""

_CLAIM = """
WITH setting AS MATERIALIZED (SELECT set_config('lock_timeout', :lock_timeout, true))
INSERT INTO public.schema_migrations AS m (version, name, checksum, deploy, holder, lease_until)
SELECT :version, :name, :checksum, :deploy, :holder, clock_timestamp() + make_interval(secs => :lease)
FROM setting
ON CONFLICT (version) DO UPDATE SET
    name = excluded.name, checksum = excluded.checksum, deploy = excluded.deploy,
    holder = excluded.holder, lease_until = excluded.lease_until, error = NULL,
    started_at = CASE WHEN m.deploy = excluded.deploy THEN m.started_at ELSE excluded.started_at END,
    tries = CASE WHEN m.deploy = excluded.deploy THEN m.tries ELSE 0 END
WHERE m.applied_at IS NULL
  AND (m.holder = excluded.holder
       OR (m.lease_until BETWEEN clock_timestamp() AND excluded.lease_until) IS NOT TRUE)
RETURNING statements, done, tries, pg_backend_pid() AS pid"""

_ADVANCE = """
UPDATE public.schema_migrations SET
    statements = :statements, done = :done, tries = 0,
    applied_at = CASE WHEN :applied THEN clock_timestamp() END,
    duration_ms = CASE WHEN :applied
        THEN greatest(0, 1000 * extract(epoch FROM clock_timestamp() - started_at)) END,
    holder = CASE WHEN :applied THEN NULL ELSE holder END,
    lease_until = CASE WHEN :applied THEN NULL ELSE lease_until END
WHERE version = :version AND holder = :holder AND applied_at IS NULL"""

_TRY = """
UPDATE public.schema_migrations SET tries = :tries
WHERE version = :version AND holder = :holder AND applied_at IS NULL"""

_STOP = """
UPDATE public.schema_migrations SET error = :error, holder = NULL, lease_until = NULL
WHERE version = :version AND holder = :holder AND applied_at IS NULL"""

_RELEASE = """
UPDATE public.schema_migrations SET holder = NULL, lease_until = NULL
WHERE holder = :holder AND applied_at IS NULL"""

_BASELINE = """
INSERT INTO public.schema_migrations (version, name, checksum, deploy, applied_at, duration_ms, statements)
VALUES (:version, :name, :checksum, :deploy, clock_timestamp(), 0, :statements)"""


@dataclass(frozen=True)
class Entry:
    """`statements`: how many are done; `done`: what identifies those; `error`: why it stopped."""

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

    @property
    def state(self) -> str:
        if self.applied_at:
            return "applied"
        return "dirty" if self.error else "running"


@dataclass(frozen=True)
class Claim:
    """`pid`: the server process of the call, which in a transaction stays the same."""

    statements: int
    done: str
    tries: int
    pid: int


@dataclass(frozen=True)
class Ledger:
    """One database's. `holder` names this runner and nobody else; `deploy` is for people to read."""

    api: DataApi
    holder: str
    deploy: str
    lease_seconds: float = LEASE_SECONDS

    def read(self) -> dict[int, Entry] | None:
        """None: there is no ledger, so nothing is applied. Never writes."""
        try:
            rows = self.api.execute(_READ, idempotent=True).rows
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
            self.api.execute(_CREATE, idempotent=True)
        except DatabaseError as error:
            if error.sqlstate not in _MEANWHILE:
                raise

    def claim(self, migration: Migration, within: Transaction | None = None) -> Claim | None:
        """Takes or renews the lock on a version; None: it is applied, or another runner is at it."""
        values = {
            **self._key(migration),
            "name": migration.name,
            "checksum": migration.checksum,
            "deploy": self.deploy,
            "lease": float(self.lease_seconds),
            "lock_timeout": LOCK_TIMEOUT,
        }
        result = within.execute(_CLAIM, values) if within else self.api.execute(_CLAIM, values, idempotent=True)
        return Claim(**result.rows[0]) if result.rows else None

    def advance(self, script: Script, statements: int, within: Transaction | None = None) -> bool:
        """Records that so many statements are done; False: another runner has taken over."""
        values = {
            **self._key(script.migration),
            "statements": statements,
            "done": script.done(statements),
            "applied": statements == len(script.statements),
        }
        return self._changed(_ADVANCE, values, within)

    def count_try(self, migration: Migration, tries: int) -> bool:
        return self._changed(_TRY, {**self._key(migration), "tries": tries})

    def stop(self, migration: Migration, error: str) -> bool:
        return self._changed(_STOP, {**self._key(migration), "error": error})

    def release(self) -> None:
        self._changed(_RELEASE, {"holder": self.holder})

    def baseline(self, migration: Migration, within: Transaction) -> None:
        values = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
        within.execute(
            _BASELINE, {**values, "deploy": f"baseline by {self.deploy}", "statements": len(migration.spans)}
        )

    def _key(self, migration: Migration) -> dict[str, Any]:
        return {"version": migration.version, "holder": self.holder}

    def _changed(self, sql: str, values: Mapping[str, Any], within: Transaction | None = None) -> bool:
        result = within.execute(sql, values) if within else self.api.execute(sql, values, idempotent=True)
        return result.updated == 1
