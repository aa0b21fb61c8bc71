"""The progress of what takes long: in a terminal one line that changes, elsewhere a line every 10 seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REPORT_SECONDS = 10.0


@contextmanager
def progress() -> Iterator[Callable[[object], None]]:
    """A function that is called with how far the work is, as often as the work likes."""
    live, shown = sys.stderr.isatty(), False
    latest = time.monotonic()

    def report(state: object) -> None:
        nonlocal latest, shown
        if live:
            shown = True
            print(f"\r\033[K{state}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - latest >= REPORT_SECONDS:
            latest = time.monotonic()
            print(state, file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if shown:
            print(file=sys.stderr)
