"""Whatever hypothesis can think of comes back as it went."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.data_api_endpoint import Endpoint

# The endpoint is the same for all examples: that is the point.
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Send = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def send(endpoint: Endpoint) -> Send:
    """Send a Field through a query with a placeholder `:p`; returns the Field that comes back."""

    def send(sql: str, field: dict[str, Any], hint: str | None = None) -> dict[str, Any]:
        parameter = {"name": "p", "value": field} | ({} if hint is None else {"typeHint": hint})
        [[answer]] = endpoint.execute(sql, parameters=[parameter])["records"]
        return dict(answer)

    return send


def same(left: float, right: float) -> bool:
    """Equal to the last bit, the sign of a zero included; any NaN is NaN."""
    return struct.pack("d", left) == struct.pack("d", right) or (math.isnan(left) and math.isnan(right))


@many
@given(value=st.floats())
def test_float8(send: Send, value: float) -> None:
    assert same(send("SELECT :p", {"doubleValue": value})["doubleValue"], value)


@many
@given(value=st.floats(width=32))
def test_float4(send: Send, value: float) -> None:
    """The shortest decimal that is this float4, so it may differ from it as a double."""
    found = float(send("SELECT :p::float4", {"doubleValue": value})["doubleValue"])
    assert struct.pack("f", found) == struct.pack("f", value) or (math.isnan(found) and math.isnan(value))


@many
@given(value=st.integers(-(2**63), 2**63 - 1))
def test_int8(send: Send, value: int) -> None:
    assert send("SELECT :p", {"longValue": value}) == {"longValue": value}


@many
@given(value=st.decimals())
def test_numeric(send: Send, value: Decimal) -> None:
    """PostgreSQL has one NaN and one zero."""
    text = "NaN" if value.is_nan() else f"{abs(value) if value == 0 else value:f}"
    assert send("SELECT :p::numeric", {"stringValue": text}) == {"stringValue": text}


@many
@given(value=st.datetimes(min_value=datetime(1, 1, 1)))  # noqa: DTZ001 (a timestamp has no zone)
def test_timestamp(send: Send, value: datetime) -> None:
    answer = send("SELECT :p::timestamp", {"stringValue": value.isoformat(" ")})["stringValue"]
    assert datetime.fromisoformat(answer) == value
    assert len(answer) == (26 if value.microsecond % 1000 else 23 if value.microsecond else 19)


@many
@given(value=st.datetimes(min_value=datetime(1, 1, 2), timezones=st.timezones()))  # noqa: DTZ001 (the strategy wants none)
def test_timestamptz_is_utc(send: Send, value: datetime) -> None:
    utc = value.astimezone(UTC)
    answer = send("SELECT :p::timestamptz", {"stringValue": utc.isoformat(" ")})["stringValue"]
    assert datetime.fromisoformat(answer) == utc.replace(tzinfo=None)


@many
@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text(send: Send, value: str) -> None:
    assert send("SELECT :p", {"stringValue": value}) == {"stringValue": value}


@many
@given(
    value=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\v"), min_size=1), min_size=1)
)
def test_arrays_of_text(send: Send, value: list[str]) -> None:
    answer = send("SELECT string_to_array(:p, chr(11))", {"stringValue": "\v".join(value)})
    assert answer == {"arrayValue": {"stringValues": value}}


@many
@given(value=st.binary())
def test_bytea(send: Send, value: bytes) -> None:
    assert send("SELECT :p", {"blobValue": value}) == {"blobValue": value}


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@many
@given(value=JSON)
def test_jsonb(send: Send, value: object) -> None:
    answer = send("SELECT :p::jsonb", {"stringValue": json.dumps(value)})["stringValue"]
    assert json.loads(answer) == value
    assert answer == json.dumps(json.loads(answer), ensure_ascii=False, separators=(",", ":"))
