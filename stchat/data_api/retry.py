"""How long something is tried again: until a moment that the caller names, with pauses that grow from 0.1 to 5 s."""

from __future__ import annotations

import random
import time

LONGEST_PAUSE = 5.0  # seconds between two tries


class Backoff:
    """Begins now, and is over when the next try would come more than `timeout` seconds from now."""

    def __init__(self, timeout: float) -> None:
        self._started = time.monotonic()
        self._patience = timeout
        self._pause = 0.1

    @property
    def waited(self) -> float:
        """Seconds since the first try."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds of timeout that remain, for a further step of the same operation; 0 at least."""
        return max(0.0, self._patience - self.waited)

    @property
    def are_over(self) -> bool:
        return self.waited + self._pause > self._patience

    def pause(self) -> None:
        time.sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
