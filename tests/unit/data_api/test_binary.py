"""Binary values as PostgreSQL sends them, taken from its documentation of each type's send function."""

from __future__ import annotations

import struct

import pytest

from local_aws.data_api import binary
from local_aws.data_api.errors import ApiError
from local_aws.data_api.floats import shortest_float4


def numeric(weight: int, sign: int, scale: int, *groups: int) -> bytes:
    return struct.pack("!HhHH", len(groups), weight, sign, scale) + struct.pack(f"!{len(groups)}H", *groups)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (numeric(0, 0, 0), "0"),
        (numeric(0, 0, 2), "0.00"),
        (numeric(0, 0, 2, 1, 5000), "1.50"),
        (numeric(1, 0x4000, 0, 12, 3456), "-123456"),
        (numeric(1, 0, 0, 10), "100000"),
        (numeric(-2, 0, 7, 123), "0.0000012"),
        (numeric(-1, 0, 5, 12, 3000), "0.00123"),
        (numeric(0, 0xC000, 0), "NaN"),
        (numeric(0, 0xD000, 0), "Infinity"),
        (numeric(0, 0xF000, 0), "-Infinity"),
    ],
)
def test_numeric(data: bytes, text: str) -> None:
    assert binary.numeric(data) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "-0"), (3.14, "3.14"), (0.1, "0.1"), (1.0, "1"), (1500.0, "1500"), (123456.0, "123456"),
        (1e6, "1e+06"), (16777216.0, "1.6777216e+07"), (0.0001, "0.0001"), (1e-5, "1e-05"),
        (3.4028234663852886e38, "3.4028235e+38"), (1.401298464324817e-45, "1e-45"), (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"), (float("nan"), "NaN"),
    ],
)  # fmt: skip
def test_shortest_float4(value: float, text: str) -> None:
    """PostgreSQL's text of the same float4."""
    [rounded] = struct.unpack("!f", struct.pack("!f", value))
    assert shortest_float4(rounded) == text


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "2000-01-01 00:00:00"),
        (-1, "1999-12-31 23:59:59.999999"),
        (500_000, "2000-01-01 00:00:00.500"),
        (123_400, "2000-01-01 00:00:00.123400"),
        (-64_500_000 * 1_000_000_000, "0045-01-29 05:20:00 BC"),
    ],
)
def test_timestamp(microseconds: int, text: str) -> None:
    assert binary.timestamp(struct.pack("!q", microseconds)) == text


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1])
def test_an_infinite_timestamp(value: int) -> None:
    with pytest.raises(ApiError) as raised:
        binary.timestamp(struct.pack("!q", value))
    assert raised.value.name == "InternalFailure"


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "2000-01-01"), (59, "2000-02-29"), (-730_119, "0001-01-01"), (-730_120, "0001-12-31 BC"),
     (2_921_940, "10000-01-01"), (-2_451_507, "4713-01-01 BC")],
)  # fmt: skip
def test_days(days: int, text: str) -> None:
    assert binary.day(struct.pack("!i", days)) == text


def test_networks() -> None:
    address = bytes([192, 168, 0, 1])
    assert binary.network(bytes([2, 32, 0, 4]) + address) == "192.168.0.1"
    assert binary.network(bytes([2, 24, 0, 4]) + address) == "192.168.0.1/24"
    assert binary.network(bytes([2, 32, 1, 4]) + address) == "192.168.0.1/32"
    assert binary.network(bytes([3, 128, 0, 16]) + bytes(15) + b"\1") == "::1"


def test_vector() -> None:
    assert binary.vector(struct.pack("!hh3f", 3, 0, 1.0, 2.5, 0.1)) == "[1,2.5,0.1]"


def test_jsonb_is_compact_outside_of_its_strings() -> None:
    assert binary.jsonb(b'\x01{"a": "x, y", "b": [1, 2], "c\\"": ": "}') == '{"a":"x, y","b":[1,2],"c\\"":": "}'


def test_arrays() -> None:
    one = struct.pack("!iiIii", 1, 1, 23, 2, 1) + struct.pack("!ii", 4, 7) + struct.pack("!i", -1)
    assert binary.items(one) == [b"\0\0\0\7", None]
    assert binary.items(struct.pack("!iiI", 0, 0, 23)) == []
    with pytest.raises(ApiError, match="multidimensional"):
        binary.items(struct.pack("!iiI", 2, 0, 23))


def test_bits() -> None:
    assert binary.bits(struct.pack("!i", 10) + bytes([0b10110000, 0b11000000])) == "1011000011"
