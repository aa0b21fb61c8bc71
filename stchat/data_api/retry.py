"""Retries: pauses that grow from 0.1 to 5 s, until a timeout is used up."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from stchat.errors import DatabaseError, OutcomeUnknownError, StchatError, UnavailableError

log = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_PAUSE = 5.0  # seconds between two attempts
LOG_SECONDS = 10.0
ROTATION_SECONDS = 10.0  # a refused login is retried for, since the password may be changing: nothing has run

_WRONG_PASSWORD = "28P01"

STOPPED: ContextVar[threading.Event] = ContextVar("STOPPED", default=threading.Event())  # noqa: B039 (is never set)
"""Set when no task waits for the operation any more: what it has begun goes on, and is not retried (stchat.aio)."""


class Backoff:
    """Starts now. It is exhausted when the next attempt would start more than `timeout` seconds after that."""

    def __init__(self, timeout: float) -> None:
        self._started = time.monotonic()
        self._timeout = timeout
        self._pause = 0.1
        self._stopped = STOPPED.get()

    @property
    def waited(self) -> float:
        """Seconds since the first attempt."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds of the timeout that remain, for a further step of the same operation; 0 at least."""
        return max(0.0, self._timeout - self.waited)

    @property
    def exhausted(self) -> bool:
        return self._stopped.is_set() or self.waited + self._pause > self._timeout

    def pause(self) -> None:
        time.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


def retry(
    attempt: Callable[[], T], backoff: Backoff, retryable: Callable[[StchatError], bool], waiting_for: str = ""
) -> T:
    """What `attempt` returns. An error that is not `retryable`, or comes when `backoff` is exhausted, is raised.

    `waiting_for`: logged with the error before the first pause and every 10 s of pauses after it; empty: nothing is
    logged.
    """
    logged = -LOG_SECONDS
    while True:
        try:
            return attempt()
        except StchatError as error:
            if not retryable(error) or backoff.exhausted:
                raise
            if waiting_for and backoff.waited - logged >= LOG_SECONDS:
                logged = backoff.waited
                log.info("waiting for %s, %.0f s so far: %s", waiting_for, backoff.waited, error)
        backoff.pause()


def retry_call(attempt: Callable[[], T], backoff: Backoff, *, idempotent: bool) -> T:
    """`retry` of one call of a database: what cannot have run, and what may have run if the caller is `idempotent`."""

    def retryable(error: StchatError) -> bool:
        if isinstance(error, DatabaseError):
            return error.sqlstate == _WRONG_PASSWORD and backoff.waited < ROTATION_SECONDS
        return isinstance(error, UnavailableError) or (idempotent and isinstance(error, OutcomeUnknownError))

    return retry(attempt, backoff, retryable, "the database")
