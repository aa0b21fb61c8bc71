"""The progress of a command that takes long, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

REPORT_SECONDS = 10.0


def reporter() -> Callable[[object, bool], None]:
    """In a terminal one line that changes; elsewhere, as in a log, a line every 10 seconds. To call with what to show,
    and whether it is the last."""
    live = sys.stderr.isatty()
    latest = time.monotonic()

    def report(progress: object, last: bool = False) -> None:
        nonlocal latest
        if live:
            print(f"\r{progress}", end="\n" if last else "", file=sys.stderr, flush=True)
        elif time.monotonic() - latest >= REPORT_SECONDS:
            latest = time.monotonic()
            print(progress, file=sys.stderr, flush=True)

    return report
