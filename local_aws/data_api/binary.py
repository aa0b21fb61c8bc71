"""PostgreSQL's binary values as the Data API shows them: no setting of the session changes a binary value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, timedelta
from ipaddress import ip_address
from uuid import UUID

from local_aws.data_api.errors import ApiError, unsupported
from local_aws.data_api.floats import finite_or_name, shortest_float4

Value = bool | int | float | str | bytes
Read = Callable[[bytes], Value]

EPOCH = date(2000, 1, 1)
EPOCH_JULIAN, LAST_DAY = EPOCH.toordinal(), date.max.toordinal()
DAY = 86_400_000_000
INFINITE_DATES = (-(2**31), 2**31 - 1)
INFINITE_TIMESTAMPS = (-(2**63), 2**63 - 1)
# What a numeric's sign field holds where the value is no number.
NUMERIC_SPECIAL = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}
NEGATIVE = 0x4000
# The flags that lead a range.
EMPTY, LOWER_INCLUSIVE, UPPER_INCLUSIVE, LOWER_INFINITE, UPPER_INFINITE = 1, 2, 4, 8, 16
DIGITS_OF_GROUP = 4
IPV4_FAMILY, IPV4_BITS, IPV6_BITS = 2, 32, 128

_INT2, _INT4, _INT8 = struct.Struct("!h"), struct.Struct("!i"), struct.Struct("!q")
_OID, _FLOAT4, _FLOAT8 = struct.Struct("!I"), struct.Struct("!f"), struct.Struct("!d")
_NUMERIC, _VECTOR, _ARRAY = struct.Struct("!HhHH"), struct.Struct("!hh"), struct.Struct("!iiI")


def boolean(data: bytes) -> bool:
    return data != b"\0"


def int2(data: bytes) -> int:
    return int(_INT2.unpack(data)[0])


def int4(data: bytes) -> int:
    return int(_INT4.unpack(data)[0])


def int8(data: bytes) -> int:
    return int(_INT8.unpack(data)[0])


def oid(data: bytes) -> str:
    return str(_OID.unpack(data)[0])


def float8(data: bytes) -> float | str:
    return finite_or_name(_FLOAT8.unpack(data)[0])


def float4(data: bytes) -> float | str:
    """The shortest decimal that is this float4: 3.14, not 3.140000104904175."""
    return finite_or_name(float(shortest_float4(_FLOAT4.unpack(data)[0])))


def text(data: bytes) -> str:
    return data.decode()


def raw(data: bytes) -> bytes:
    return data


def numeric(data: bytes) -> str:
    """With as many decimals as its scale."""
    groups, weight, sign, scale = _NUMERIC.unpack_from(data)
    if sign in NUMERIC_SPECIAL:
        return NUMERIC_SPECIAL[sign]
    digits = "".join(f"{group:04d}" for group in struct.unpack_from(f"!{groups}H", data, _NUMERIC.size))
    point = (weight + 1) * DIGITS_OF_GROUP
    digits = "0" * -point + digits if point < 0 else digits.ljust(point, "0")
    whole, decimals = digits[: max(point, 0)].lstrip("0") or "0", digits[max(point, 0) :]
    text_ = f"{whole}.{decimals.ljust(scale, '0')[:scale]}" if scale else whole
    return f"-{text_}" if sign == NEGATIVE else text_


def day(data: bytes) -> str:
    days = int4(data)
    if days in INFINITE_DATES:
        raise ApiError("InternalFailure")
    return "".join(_day(days))


def _day(days: int) -> tuple[str, str]:
    """The day, and ` BC` where it is one. Beyond Python's dates the calendar repeats itself every 400 years."""
    ordinal, cycles = EPOCH_JULIAN + days, 0
    while not 1 <= ordinal <= LAST_DAY:
        step = 1 if ordinal < 1 else -1
        ordinal, cycles = ordinal + step * 146_097, cycles + step
    found = date.min + timedelta(days=ordinal - 1)
    year = found.year - 400 * cycles
    era = "" if year > 0 else " BC"
    return f"{year if year > 0 else 1 - year:04d}-{found.month:02d}-{found.day:02d}", era


def time(data: bytes) -> str:
    return _time(int8(data))


def _time(microseconds: int) -> str:
    """Three digits after the second, or six, or none."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    text_ = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if not fraction:
        return text_
    return f"{text_}.{fraction // 1000:03d}" if fraction % 1000 == 0 else f"{text_}.{fraction:06d}"


def timestamp(data: bytes) -> str:
    """Without an offset: a timestamptz is UTC on the wire, whatever the session's time zone."""
    microseconds = int8(data)
    if microseconds in INFINITE_TIMESTAMPS:
        raise ApiError("InternalFailure")
    days, rest = divmod(microseconds, DAY)
    day_, era = _day(days)
    return f"{day_} {_time(rest)}{era}"


def uuid(data: bytes) -> str:
    return str(UUID(bytes=data))


def jsonb(data: bytes) -> str:
    """Without the version that leads it, and without the spaces that PostgreSQL writes after colons and commas."""
    pieces = data[1:].decode().split('"')
    inside, compact = False, []
    for piece in pieces:
        compact.append(piece if inside else piece.replace(" ", ""))
        # A quote ends the string unless an odd number of backslashes stands before it.
        if not inside or (len(piece) - len(piece.rstrip("\\"))) % 2 == 0:
            inside = not inside
    return '"'.join(compact)


def network(data: bytes) -> str:
    """An inet or a cidr; the length of an inet's prefix is left out where it is the whole address."""
    family, bits, is_cidr = data[0], data[1], data[2]
    address = str(ip_address(data[4:]))
    whole = IPV4_BITS if family == IPV4_FAMILY else IPV6_BITS
    return address if bits == whole and not is_cidr else f"{address}/{bits}"


def vector(data: bytes) -> str:
    """pgvector's text of a vector."""
    dimensions, _ = _VECTOR.unpack_from(data)
    return f"[{','.join(map(shortest_float4, struct.unpack_from(f'!{dimensions}f', data, _VECTOR.size)))}]"


def bits(data: bytes) -> str:
    """A bit string as its digits."""
    length = int4(data[:4])
    return "".join(f"{byte:08b}" for byte in data[4:])[:length]


def range_of(read: Callable[[bytes], Value]) -> Read:
    """A range's text, its bounds as `read` has them."""

    def read_range(data: bytes) -> str:
        flags = data[0]
        if flags & EMPTY:
            return "empty"
        bounds, position = ["", ""], 1
        for number, infinite in enumerate((LOWER_INFINITE, UPPER_INFINITE)):
            if not flags & infinite:
                end = position + 4 + int4(data[position : position + 4])
                bounds[number], position = str(read(data[position + 4 : end])), end
        return f"{'[' if flags & LOWER_INCLUSIVE else '('}{','.join(bounds)}{']' if flags & UPPER_INCLUSIVE else ')'}"

    return read_range


def items(data: bytes) -> list[bytes | None]:
    """The elements of an array; None for NULL.

    Raises:
        ApiError: UnsupportedResultException for an array of more than one dimension.
    """
    dimensions, _, _ = _ARRAY.unpack_from(data)
    if dimensions > 1:
        raise unsupported("The result contains a multidimensional array")
    if dimensions == 0:
        return []
    found: list[bytes | None] = []
    position = _ARRAY.size + 8
    for _ in range(int4(data[_ARRAY.size : _ARRAY.size + 4])):
        length = int4(data[position : position + 4])
        position += 4
        found.append(None if length < 0 else data[position : position + length])
        position += max(length, 0)
    return found
