"""Applies what is pending, from wherever the last runner stopped.

It keeps nothing in memory that it would need again: when the outcome of a call is unknown, it goes by the ledger and
the catalog the next time. So it may die, be called twice, or meet another runner, at any call.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, StatementError, StchatError, TransientError
from stchat.schema.execution import (
    POLL_SECONDS,
    RetryLater,
    check_done,
    run_in_transaction,
    run_outside_transaction,
)
from stchat.schema.failures import failure
from stchat.schema.ledger import LEASE_SECONDS, Entry, Ledger
from stchat.schema.migration import Migration, Script
from stchat.schema.non_transactional import KINDS
from stchat.schema.plan import by_database, pending
from stchat.schema.waiting import Postponed, is_transient

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.2


@dataclass
class Runner:
    """`directory`: where the files of `files` lie; `deploy`: for the ledger, who or what asked for this."""

    api: DataApi
    files: Sequence[Migration]
    directory: Path
    deploy: str
    lease_seconds: float = LEASE_SECONDS
    _lease_owner: str = field(default_factory=lambda: str(uuid.uuid4()), init=False)
    _leased: Ledger | None = field(default=None, init=False)
    _uncounted: Postponed | None = field(default=None, init=False)

    def ledger(self, database: str) -> Ledger:
        return Ledger(self.api.with_database(database), self._lease_owner, self.deploy, self.lease_seconds)

    def entries(self) -> dict[str, dict[int, Entry] | None]:
        """What every database has recorded: one call each."""
        return {database: self.ledger(database).read() for database in by_database(self.files)}

    def pending(self) -> list[tuple[Script, Entry | None]]:
        """What an apply would run, in order. Raises LedgerError and FileError before anything runs."""
        return list(self._pending(self.entries()))

    def _pending(self, entries: dict[str, dict[int, Entry] | None]) -> Iterator[tuple[Script, Entry | None]]:
        for database, files in by_database(self.files).items():
            recorded = entries[database] or {}
            for migration in pending(files, recorded):
                script, entry = migration.read(self.directory), recorded.get(migration.version)
                if entry:
                    check_done(script, entry.statements, entry.done)
                yield script, entry

    def apply(self, *, timeout: float = float("inf"), seconds: float = float("inf")) -> bool:
        """True: nothing is left to do. False: call again, after `timeout` seconds of waiting for something else.

        `seconds`: what is left to the caller; a transaction that needs longer is given up.
        """
        began, pause = time.monotonic(), _FIRST_PAUSE
        try:
            while True:
                try:
                    if self._apply(began + seconds):
                        return True
                except (RetryLater, TransientError) as reason:
                    log.info("%s", reason)
                except DatabaseError as error:
                    if not is_transient(error):
                        raise
                    log.info("%s", error)
                if time.monotonic() + pause > began + timeout:
                    return False
                time.sleep(pause)
                pause = min(pause * 2, POLL_SECONDS)
        finally:
            self._release()

    def _apply(self, deadline: float) -> bool:
        if self._uncounted:
            self._count(self._uncounted)
        entries = self.entries()
        try:
            for script, entry in list(self._pending(entries)):
                first = entries[script.migration.database] is None and script.migration.version == 1
                self._run(script, entry.statements if entry else 0, deadline, first=first)
        except Postponed as reason:
            log.info("%s", reason)
            self._uncounted = reason
            self._count(reason)
            return False
        return True

    def _count(self, postponed: Postponed) -> None:
        """The attempt that was interrupted, as soon as the database takes calls. Raises StatementError at the last."""
        migration, ledger = postponed.script.migration, self.ledger(postponed.script.migration.database)
        attempts = ledger.postpone(migration, str(postponed))
        self._uncounted = self._leased = None
        if attempts is None:
            return
        try:
            seconds = postponed.pause(attempts)
        except StatementError as error:
            reason = str(error)
            self._best_effort(ledger, lambda own: own.fail(migration, reason))
            raise
        if seconds:
            ledger.pause(migration, seconds)
            raise RetryLater(
                f"{migration.path}: {seconds:.0f} s until the next attempt, so that the application goes on"
            )

    def _run(self, script: Script, done: int, deadline: float, *, first: bool) -> None:
        migration, ledger = script.migration, self.ledger(script.migration.database)
        began = time.monotonic()
        self._leased = None if migration.transactional else ledger
        try:
            if first:
                ledger.create()
            self._steps(ledger, script, done, deadline)
        except StatementError as error:
            self._fail(migration, str(error))
            raise
        except DatabaseError as error:
            if is_transient(error):
                raise
            raise failure(migration.path, error) from error
        self._leased = None
        log.info("%s: applied in %.1f s", migration.path, time.monotonic() - began)

    def _steps(self, ledger: Ledger, script: Script, done: int, deadline: float) -> None:
        """At least one, since of a file that failed all that was left may have been taken out."""
        while True:
            if time.monotonic() > deadline:
                raise RetryLater(f"{script.migration.path}: no time is left to this call")
            target = script.statements[done].target if done < len(script.statements) else None
            if target and not script.migration.transactional and target.action in KINDS:
                done = run_outside_transaction(ledger, script, done, target)
            else:
                done = run_in_transaction(ledger, script, done, deadline)
            if done == len(script.statements):
                return

    def _fail(self, migration: Migration, error: str) -> None:
        """A file that runs in one transaction leaves no row behind."""
        if self._leased:
            self._best_effort(self._leased, lambda ledger: ledger.fail(migration, error))

    def _release(self) -> None:
        """The next runner need not wait for the lease to end."""
        if self._leased:
            self._best_effort(self._leased, Ledger.release)

    def _best_effort(self, ledger: Ledger, write: Callable[[Ledger], object]) -> None:
        """Without it the lease ends by itself."""
        try:
            write(ledger)
        except StchatError as error:
            log.warning("could not release the ledger, its lease will end by itself: %s", error)
        self._leased = None
