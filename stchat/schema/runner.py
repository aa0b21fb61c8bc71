"""Applies what is pending, from wherever the last runner stopped.

It keeps nothing in memory that it would need again: when a call leaves in doubt what happened, it goes by the ledger
and the catalog the next time. So it may die, be called twice, or meet another runner, at any call.
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
from stchat.schema.execution import POLL_SECONDS, RetryLater, by_itself, check_done, failure, passing, together
from stchat.schema.ledger import LEASE_SECONDS, Entry, Ledger
from stchat.schema.migration import Migration, Script
from stchat.schema.non_transactional import recognise
from stchat.schema.plan import by_database, pending

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
    _holder: str = field(default_factory=lambda: str(uuid.uuid4()), init=False)
    _leased: Ledger | None = field(default=None, init=False)

    def ledger(self, database: str) -> Ledger:
        return Ledger(self.api.with_database(database), self._holder, self.deploy, self.lease_seconds)

    def entries(self) -> dict[str, dict[int, Entry] | None]:
        """What every database says of itself: one call each."""
        return {database: self.ledger(database).read() for database in by_database(self.files)}

    def pending(self) -> list[tuple[Script, Entry | None]]:
        """What an apply would run, in order. Raises LedgerError and FileError before anything runs."""
        return list(self._pending(self.entries()))

    def _pending(self, entries: dict[str, dict[int, Entry] | None]) -> Iterator[tuple[Script, Entry | None]]:
        for database, files in by_database(self.files).items():
            known = entries[database] or {}
            for migration in pending(files, known):
                script, entry = migration.read(self.directory), known.get(migration.version)
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
                    return self._apply(began + seconds)
                except (RetryLater, TransientError) as reason:
                    log.info("%s", reason)
                except DatabaseError as error:
                    if not passing(error):
                        raise
                    log.info("%s", error)
                if time.monotonic() + pause > began + timeout:
                    return False
                time.sleep(pause)
                pause = min(pause * 2, POLL_SECONDS)
        finally:
            self._release()

    def _apply(self, deadline: float) -> bool:
        entries = self.entries()
        for script, entry in list(self._pending(entries)):
            first = entries[script.migration.database] is None and script.migration.version == 1
            self._run(script, entry.statements if entry else 0, deadline, first=first)
        return True

    def _run(self, script: Script, done: int, deadline: float, *, first: bool) -> None:
        migration, ledger = script.migration, self.ledger(script.migration.database)
        began = time.monotonic()
        self._leased = None if migration.transactional else ledger
        try:
            if first:
                ledger.create()
            self._steps(ledger, script, done, deadline)
        except StatementError as error:
            self._stop(migration, str(error))
            raise
        except DatabaseError as error:
            if passing(error):
                raise
            raise failure(migration.path, error) from error
        self._leased = None
        log.info("%s: applied in %.1f s", migration.path, time.monotonic() - began)

    def _steps(self, ledger: Ledger, script: Script, done: int, deadline: float) -> None:
        """At least one, since of a file that stopped all that was left may have been taken out."""
        while True:
            if time.monotonic() > deadline:
                raise RetryLater(f"{script.migration.path}: no time is left to this call")
            rest = script.statements[done:]
            alone = recognise(rest[0].text) if rest and not script.migration.transactional else None
            done = by_itself(ledger, script, done, *alone) if alone else together(ledger, script, done, deadline)
            if done == len(script.statements):
                return

    def _stop(self, migration: Migration, error: str) -> None:
        """A file that runs in one transaction leaves no row behind."""
        if self._leased:
            self._politely(lambda ledger: ledger.stop(migration, error))

    def _release(self) -> None:
        """The next runner need not wait for the lease to end."""
        if self._leased:
            self._politely(Ledger.release)

    def _politely(self, say: Callable[[Ledger], object]) -> None:
        """Without it the lease ends by itself."""
        assert self._leased
        try:
            say(self._leased)
        except StchatError as error:
            log.warning("could not release the ledger, its lease will end by itself: %s", error)
        self._leased = None
