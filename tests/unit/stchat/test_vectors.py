"""Vectors: their length, their text, and what is none."""

from __future__ import annotations

import math
import struct
from array import array
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stchat.chat.vectors import DIMENSIONS, TEXT_BYTES, normalised, to_text
from stchat.errors import InputError

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def filled(*numbers: float) -> list[float]:
    """A vector that begins with the numbers; the rest are zeros."""
    return [*numbers, *[0.0] * (DIMENSIONS - len(numbers))]


@given(st.lists(FLOAT32, min_size=1, max_size=50))
def test_the_text_names_each_float32_exactly(numbers: list[float]) -> None:
    read = [float(number) for number in to_text(filled(*numbers)).strip("[]").split(",")]
    assert struct.pack("50f", *read[:50]) == struct.pack("50f", *filled(*numbers)[:50])


@given(
    st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=50).filter(lambda numbers: math.hypot(*numbers) > 1e-150)
)
def test_a_vector_gets_length_1_and_keeps_its_direction(numbers: list[float]) -> None:
    vector = normalised(filled(*numbers))
    assert math.isclose(math.hypot(*array("f", vector)), 1, abs_tol=1e-6)
    length = math.hypot(*numbers)
    assert all(math.isclose(one, number / length) for one, number in zip(vector, numbers, strict=False))


@given(st.lists(FLOAT32, min_size=1, max_size=50).filter(any))
def test_the_longest_text(numbers: list[float]) -> None:
    repeated = (numbers * DIMENSIONS)[:DIMENSIONS]
    assert len(to_text(normalised(repeated))) <= TEXT_BYTES


@pytest.mark.parametrize(
    "numbers",
    [tuple(filled(3, 4)), array("f", filled(3, 4)), range(DIMENSIONS), [Decimal(n) for n in range(DIMENSIONS)]],
    ids=range(4),
)
def test_any_sequence_of_numbers(numbers: tuple[float, ...]) -> None:
    assert math.isclose(math.hypot(*normalised(numbers)), 1)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([1.0] * 1023, "v must have 1,024 dimensions, got 1,023: use the model that wrote the memories"),
        ([], "v must have 1,024 dimensions, got 0: use the model that wrote the memories"),
        (filled(), "v must have a number other than zero, got zeros alone"),
        (filled(5e-324), "v must have a number other than zero, got zeros alone"),
        (filled(math.nan), "v must be finite numbers, got NaN, an infinity or numbers past 1e300"),
        (filled(-math.inf, math.inf), "v must be finite numbers, got NaN, an infinity or numbers past 1e300"),
        (filled(1.7e308, 1.7e308), "v must be finite numbers, got NaN, an infinity or numbers past 1e300"),
        (filled(10**400), "v must be 1,024 numbers, got list of something else"),
        (["x"] * DIMENSIONS, "v must be 1,024 numbers, got list of something else"),
        ("[0.1,0.2]", "v must be 1,024 numbers, got str of something else"),
        (0.5, "v must be 1,024 numbers, got float of something else"),
        ([Decimal("NaN")] * DIMENSIONS, "v must be finite numbers, got NaN, an infinity or numbers past 1e300"),
        ([Decimal("sNaN")] * DIMENSIONS, "v must be 1,024 numbers, got list of something else"),
        (None, "v must be 1,024 numbers, got NoneType of something else"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_vector(vector: list[float], message: str) -> None:
    with pytest.raises(InputError) as raised:
        normalised(vector, "v")
    assert str(raised.value) == message
    assert raised.value.field == "v"
