"""Floating-point numbers as JSON and as PostgreSQL's text have them."""

from __future__ import annotations

import struct

# A float4 is written out as digits between these exponents, else with an exponent: PostgreSQL's float4out does so.
FIXED_EXPONENTS = range(-4, 6)
_FLOAT4 = struct.Struct("!f")


def finite_or_name(value: float) -> float | str:
    """JSON has no NaN and no infinities: AWS's protocol spells them as strings."""
    if value - value == 0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def shortest_float4(value: float) -> str:
    """PostgreSQL's text of a float4: the fewest digits that read as the same float4."""
    if value - value != 0:
        return str(finite_or_name(value))
    text = next(text for digits in range(9) if _FLOAT4.unpack(_float4(text := f"{value:.{digits}e}"))[0] == value)
    mantissa, _, power = text.partition("e")
    exponent = int(power)
    if exponent not in FIXED_EXPONENTS:
        return text
    places = len(mantissa.partition(".")[2]) - exponent
    return f"{float(text):.{max(places, 0)}f}"


def _float4(text: str) -> bytes:
    try:
        return _FLOAT4.pack(float(text))
    except OverflowError:  # the greatest float4, rounded up
        return _FLOAT4.pack(float("inf"))
