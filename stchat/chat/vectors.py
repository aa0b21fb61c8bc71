"""Vectors: checked, brought to length 1, and written as PostgreSQL reads them, exact in float32 as pgvector stores it.

No numpy: `math.hypot` over 1,024 numbers takes 3 us, the text 239 us (docs/memory.md).
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Sequence

from stchat.errors import InputError

DIMENSIONS = 1024  # of st_chat_history_vector_table.chat_vector
FLOAT32_ROUNDING = 1e-6  # of a length: 1,024 numbers, each rounded by 6e-8 of itself at most
TEXT_BYTES = 16 * DIMENSIONS + 2  # at most: "-1.23456789e-05," for each number

Vector = list[float]

_FORMAT = "[" + ",".join(["%.9g"] * DIMENSIONS) + "]"


def normalised(vector: Sequence[float], field: str = "vector") -> Vector:
    """The vector of length 1 in the same direction, so that L2 order is cosine order. One that has that length already,
    to float32's precision, stays as it is: what was exported comes back to the bit.

    Decimals are taken too, as drivers and JSON parsers give them, and numpy's arrays.

    Raises:
        InputError: not 1,024 finite numbers, or all of them zero, which has no direction.
    """
    try:
        count, length = len(vector), math.hypot(*vector)
    except (TypeError, ValueError, ArithmeticError):
        raise InputError(field, f"be {DIMENSIONS:,} numbers", f"{type(vector).__name__} of something else") from None
    if count != DIMENSIONS:
        raise InputError(
            field, f"have {DIMENSIONS:,} dimensions", f"{count:,}", "use the model that wrote the memories"
        )
    if not math.isfinite(length):
        raise InputError(field, "be finite numbers", "NaN, an infinity or numbers past 1e300")
    if length < sys.float_info.min:
        raise InputError(field, "have a number other than zero", "zeros alone")
    if abs(length - 1) < FLOAT32_ROUNDING:
        return [float(value) for value in vector]
    return [float(value) / length for value in vector]


def to_text(vector: Vector) -> str:
    """`[0.1,...]` for `:v::vector`. Nine digits name each float32, so PostgreSQL reads the very number."""
    return _FORMAT % tuple(array("f", vector))
