"""Why a statement did not get done this time, how long to wait until the next, and when to give up.

A statement that waits for a lock makes the application wait behind it. So it waits briefly and pauses long; the pause
is the lease of the file's row in the ledger, so that it holds over the calls of a deploy.
"""

from __future__ import annotations

import threading

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, StatementError, StchatError, TransientError, UnavailableError
from stchat.schema.migration import Script

LOCK_PAUSES = (10.0, 20.0, 30.0)  # seconds after the first attempt, the second, and each later one
LOCK_ATTEMPTS = 20
LOST_ATTEMPTS = 5
_ASK_SECONDS = 0.3

# Not the statement's fault, and over in a while: locks, deadlocks; restarts, too many connections.
_CONTENTION = ("55P03", "55006", "40P01", "40001")
_INTERRUPTED = ("57P01", "57P02", "57P03", "57P05", "53300")
_CONNECTION_CLASS = "08"

_BLOCKERS = """
SELECT format('process %s of role %s (%s, %s) in a transaction since %s', pid, usename,
              coalesce(nullif(application_name, ''), 'no application name'), state,
              to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')) AS blocker
FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(:pid::integer)) ORDER BY xact_start"""


def is_transient(error: DatabaseError) -> bool:
    return error.sqlstate in _CONTENTION + _INTERRUPTED or error.sqlstate.startswith(_CONNECTION_CLASS)


class Postponed(Exception):  # noqa: N818 (not an error)
    """A statement of a file was interrupted; the ledger counts how often. `index`: of the statement."""

    def __init__(self, script: Script, index: int, reason: str, *, lock: bool, blockers: str = "") -> None:
        super().__init__(f"{script.location(index)}: {reason}" + (f"; blocked by {blockers}" if blockers else ""))
        self.script = script
        self.lock = lock

    @classmethod
    def by(cls, error: StchatError, script: Script, index: int, blockers: str) -> Postponed | None:
        """None: the error is not transient, or nothing ran."""
        if isinstance(error, DatabaseError):
            if error.sqlstate in _CONTENTION:
                return cls(script, index, str(error), lock=True, blockers=blockers)
            return cls(script, index, str(error), lock=False) if is_transient(error) else None
        counts = isinstance(error, TransientError) and not isinstance(error, UnavailableError)
        return cls(script, index, str(error), lock=False) if counts else None

    def pause(self, attempts: int) -> float:
        """Seconds, after so many attempts. Raises StatementError when those were enough."""
        if attempts >= (LOCK_ATTEMPTS if self.lock else LOST_ATTEMPTS):
            hint = (
                "end that transaction, or deploy when it is over"
                if self.lock
                else "PostgreSQL's log has the reason why its process ended; change the statement"
            )
            raise StatementError(f"{self}; given up after {attempts} attempts: {hint}")
        return LOCK_PAUSES[min(attempts, len(LOCK_PAUSES)) - 1] if self.lock else 0.0


class Blockers:
    """Who blocks a server process, asked beside it while it works. With `ask` alone: else it costs nothing."""

    def __init__(self, api: DataApi, pid: int, *, ask: bool) -> None:
        self.text = ""
        self._api, self._pid = api.with_timeout(1), pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True) if ask else None

    def __enter__(self) -> Blockers:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_ASK_SECONDS):
            try:
                rows = self._api.execute(_BLOCKERS, {"pid": self._pid}, idempotent=True).rows
            except StchatError:
                return
            if rows:
                self.text = ", ".join(row["blocker"] for row in rows)
                return
