"""Retries: pauses that grow from 0.1 to 5 s, until a timeout is used up."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from stchat.errors import StchatError

log = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_PAUSE = 5.0  # seconds between two attempts


class Backoff:
    """Starts now. It is exhausted when the next attempt would start more than `timeout` seconds after that."""

    def __init__(self, timeout: float) -> None:
        self._started = time.monotonic()
        self._timeout = timeout
        self._pause = 0.1

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
        return self.waited + self._pause > self._timeout

    def pause(self) -> None:
        time.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


def retry(
    attempt: Callable[[], T], backoff: Backoff, retryable: Callable[[StchatError], bool], waiting_for: str = ""
) -> T:
    """What `attempt` returns. An error that is not `retryable`, or comes when `backoff` is exhausted, is raised.

    `waiting_for`: logged before each pause, with the error; empty: nothing is logged.
    """
    while True:
        try:
            return attempt()
        except StchatError as error:
            if not retryable(error) or backoff.exhausted:
                raise
            if waiting_for:
                log.info("waiting for %s, %.0f s so far: %s", waiting_for, backoff.waited, error)
        backoff.pause()
