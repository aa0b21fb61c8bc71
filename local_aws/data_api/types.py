"""PostgreSQL's types, one row each: the Field its values become, and what a JDBC driver says of its columns."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.data_api.errors import ApiError, unsupported

Text = bytes
Scalar = bool | int | float | str
# A column's width where the type has no limit.
UNLIMITED = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Type:
    """`member` is the Field's; `read` makes its value from PostgreSQL's text. `jdbc` is a java.sql.Types code."""

    name: str
    member: str
    read: Callable[[Text], Any]
    jdbc: int
    precision: int = UNLIMITED
    scale: int = 0
    signed: bool = False
    case_sensitive: bool = False
    currency: bool = False
    element: Type | None = None

    @property
    def is_refused(self) -> bool:
        return self.name in REFUSED or (self.element is not None and self.element.is_refused)


def boolean(text: Text) -> bool:
    return text == b"t"


def double(text: Text) -> float | str:
    """JSON has no NaN and no infinities: the protocol spells them as strings, as PostgreSQL does."""
    value = float(text)
    return value if value - value == 0 else text.decode()


def real(text: Text) -> float | str:
    """A float4 arrives widened: 0.1 is 0.10000000149011612."""
    value = double(text)
    return value if isinstance(value, str) else float(struct.unpack("f", struct.pack("f", value))[0])


def string(text: Text) -> str:
    return text.decode()


def blob(text: Text) -> bytes:
    return bytes.fromhex(text[2:].decode())


def date(text: Text) -> str:
    if text.endswith(b"infinity"):
        raise ApiError("InternalFailure")
    return text.decode()


def timestamp(text: Text) -> str:
    """Without an offset (sessions are UTC); three digits after the second, or six, or none."""
    day, _, rest = date(text).partition(" ")
    time, _, era = rest.partition(" ")
    seconds, _, fraction = time.removesuffix("+00").partition(".")
    if fraction:
        seconds += "." + fraction.ljust(3 if len(fraction) <= 3 else 6, "0")
    return f"{day} {seconds} {era}".rstrip()


def compact_json(text: Text) -> str:
    """A jsonb without the spaces that PostgreSQL writes after colons and commas, and nothing else changed."""
    pieces = text.decode().split('"')
    inside, compact = False, []
    for piece in pieces:
        compact.append(piece if inside else piece.replace(" ", ""))
        # A quote ends the string unless an odd number of backslashes stands before it.
        if not inside or (len(piece) - len(piece.rstrip("\\"))) % 2 == 0:
            inside = not inside
    return '"'.join(compact)


BUILT_IN: dict[int, Type] = {
    16: Type(name="bool", member="booleanValue", read=boolean, jdbc=-7, precision=1),
    17: Type(name="bytea", member="blobValue", read=blob, jdbc=-2, case_sensitive=True),
    18: Type(name="char", member="stringValue", read=string, jdbc=1, precision=1, case_sensitive=True),
    19: Type(name="name", member="stringValue", read=string, jdbc=12, case_sensitive=True),
    20: Type(name="int8", member="longValue", read=int, jdbc=-5, precision=19, signed=True),
    21: Type(name="int2", member="longValue", read=int, jdbc=5, precision=5, signed=True),
    23: Type(name="int4", member="longValue", read=int, jdbc=4, precision=10, signed=True),
    25: Type(name="text", member="stringValue", read=string, jdbc=12, case_sensitive=True),
    26: Type(name="oid", member="stringValue", read=string, jdbc=-5, precision=10),
    114: Type(name="json", member="stringValue", read=string, jdbc=1111, case_sensitive=True),
    142: Type(name="xml", member="stringValue", read=string, jdbc=2009, case_sensitive=True),
    700: Type(name="float4", member="doubleValue", read=real, jdbc=7, precision=8, scale=8, signed=True),
    701: Type(name="float8", member="doubleValue", read=double, jdbc=8, precision=17, scale=17, signed=True),
    790: Type(name="money", member="stringValue", read=string, jdbc=8, currency=True),
    1042: Type(name="bpchar", member="stringValue", read=string, jdbc=1, case_sensitive=True),
    1043: Type(name="varchar", member="stringValue", read=string, jdbc=12, case_sensitive=True),
    1082: Type(name="date", member="stringValue", read=date, jdbc=91, precision=13),
    1083: Type(name="time", member="stringValue", read=string, jdbc=92, precision=15, scale=6),
    1114: Type(name="timestamp", member="stringValue", read=timestamp, jdbc=93, precision=29, scale=6),
    1184: Type(name="timestamptz", member="stringValue", read=timestamp, jdbc=93, precision=35, scale=6),
    1186: Type(name="interval", member="stringValue", read=string, jdbc=1111, precision=49, scale=6),
    1266: Type(name="timetz", member="stringValue", read=string, jdbc=92, precision=21, scale=6),
    1700: Type(name="numeric", member="stringValue", read=string, jdbc=2, precision=0, signed=True),
    2950: Type(name="uuid", member="stringValue", read=string, jdbc=1111, case_sensitive=True),
    3802: Type(name="jsonb", member="stringValue", read=compact_json, jdbc=1111, case_sensitive=True),
}
# An array type's element; the Field is an arrayValue.
ARRAYS = {
    1000: 16, 1001: 17, 1002: 18, 1003: 19, 1016: 20, 1005: 21, 1007: 23, 1009: 25, 1028: 26, 199: 114, 143: 142,
    1021: 700, 1022: 701, 791: 790, 1014: 1042, 1015: 1043, 1182: 1082, 1183: 1083, 1115: 1114, 1185: 1184,
    1187: 1186, 1270: 1266, 1231: 1700, 2951: 2950, 3807: 3802,
}  # fmt: skip
REFUSED = frozenset(
    ("interval", "timetz", "money", "xml", "char", "point", "line", "lseg", "box", "path", "polygon", "circle",
     "regclass", "regproc", "regprocedure", "regoper", "regoperator", "regtype", "regrole", "regnamespace",
     "regconfig", "regdictionary", "regcollation")
)  # fmt: skip
ARRAY_MEMBERS = {
    "booleanValue": "booleanValues",
    "longValue": "longValues",
    "doubleValue": "doubleValues",
    "stringValue": "stringValues",
    "blobValue": "stringValues",
}


def array_of(element: Type) -> Type:
    member = ARRAY_MEMBERS[element.member]
    read = string if element.member == "blobValue" else element.read

    def array(text: Text) -> dict[str, list[Scalar | None]]:
        return {member: [None if item is None else read(item) for item in items(text)]}

    return Type(name=f"_{element.name}", member="arrayValue", read=array, jdbc=2003, element=element)


def other(name: str) -> Type:
    """Every type without a row of its own, such as an enumeration, inet or vector: PostgreSQL's text."""
    return Type(name=name, member="stringValue", read=string, jdbc=1111, case_sensitive=True)


BUILT_IN |= {array: array_of(BUILT_IN[element]) for array, element in ARRAYS.items()}


def items(text: Text) -> list[Text | None]:
    """The elements of a one-dimensional array in PostgreSQL's text form; None for NULL.

    Raises:
        ApiError: UnsupportedResultException for an array of more dimensions.
    """
    start = text.index(b"{") + 1
    if text[start : start + 1] == b"{":
        raise unsupported("The result contains a multidimensional array")
    found: list[Text | None] = []
    position, end = start, len(text) - 1
    while position < end:
        if text[position : position + 1] == b'"':
            item = bytearray()
            position += 1
            while (byte := text[position]) != 0x22:
                if byte == 0x5C:
                    position += 1
                item.append(text[position])
                position += 1
            found.append(bytes(item))
            position += 2
        else:
            comma = text.find(b",", position)
            stop = end if comma < 0 else comma
            word = text[position:stop]
            found.append(None if word == b"NULL" else word)
            position = stop + 1
    return found
