"""Words of the command line, checked by argparse: an error names the argument, what it must be, and the word."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

SHOWN = 40  # characters of a word in an error


def integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """An integer from `least`, to `most` where one is given."""
    must = f"must be an integer of {least} or more" if most is None else f"must be an integer from {least} to {most}"

    def convert(word: str) -> int:
        try:
            value = int(word)
        except ValueError:  # no integer, or one of over 4,300 digits
            raise _refusal(must, word) from None
        if value < least or (most is not None and value > most):
            raise _refusal(must, word)
        return value

    return convert


def number(must: str, is_right: Callable[[float], bool]) -> Callable[[str], float]:
    """A finite number that `is_right`, which `must` says in words."""

    def convert(word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            raise _refusal(must, word) from None
        if not (math.isfinite(value) and is_right(value)):
            raise _refusal(must, word)
        return value

    return convert


quantity = number("must be a number of 0 or more", lambda value: value >= 0)
seconds = number("must be a number of seconds from 0 to 86400", lambda value: 0 <= value <= 86_400)


def _refusal(must: str, word: str) -> argparse.ArgumentTypeError:
    shown = word if len(word) <= SHOWN else f"{word[:SHOWN]}..."
    return argparse.ArgumentTypeError(f"{must}, got {shown!r}")
