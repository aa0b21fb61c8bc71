"""PostgreSQL's types: those that the Data API returns, and what a JDBC driver reports about any type's columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.data_api import binary

# A column's width where the type has no limit.
UNLIMITED = 2**31 - 1
JDBC_OTHER, JDBC_ARRAY = 1111, 2003


@dataclass(frozen=True, kw_only=True)
class Type:
    """`member` is the Field's and `read` makes its value from PostgreSQL's binary one; a type that the Data API does
    not return has neither. `jdbc` is a java.sql.Types code; `shown` is the type's name in the text of a refusal."""

    name: str
    shown: str
    member: str | None = None
    read: Callable[[bytes], Any] = binary.raw
    jdbc: int = JDBC_OTHER
    precision: int = UNLIMITED
    scale: int = 0
    signed: bool = False
    case_sensitive: bool = False
    currency: bool = False
    element: Type | None = None


def _type(name: str, member: str, read: Callable[[bytes], Any], jdbc: int = JDBC_OTHER, **more: Any) -> Type:
    return Type(name=name, shown=name.upper(), member=member, read=read, jdbc=jdbc, **more)


def _text(name: str, jdbc: int = JDBC_OTHER, read: Callable[[bytes], Any] = binary.text, **more: Any) -> Type:
    return _type(name, "stringValue", read, jdbc, case_sensitive=True, **more)


# The scalar types of AWS's guide, "Data API operations reference": there are 18, some under several names. Its note
# adds timestamptz. Not in it: oid, captured on Aurora; int4range and numrange, which data-api-client's suite reads.
RETURNED: dict[int, Type] = {
    16: _type("bool", "booleanValue", binary.boolean, -7, precision=1),
    17: _type("bytea", "blobValue", binary.raw, -2, case_sensitive=True),
    19: _text("name", 12),
    20: _type("int8", "longValue", binary.int8, -5, precision=19, signed=True),
    21: _type("int2", "longValue", binary.int2, 5, precision=5, signed=True),
    23: _type("int4", "longValue", binary.int4, 4, precision=10, signed=True),
    25: _text("text", 12),
    26: _type("oid", "stringValue", binary.oid, -5, precision=10),
    114: _text("json"),
    650: _text("cidr", read=binary.network),
    700: _type("float4", "doubleValue", binary.float4, 7, precision=8, scale=8, signed=True),
    701: _type("float8", "doubleValue", binary.float8, 8, precision=17, scale=17, signed=True),
    869: _text("inet", read=binary.network),
    1042: _text("bpchar", 1),
    1043: _text("varchar", 12),
    1082: _type("date", "stringValue", binary.day, 91, precision=13),
    1083: _type("time", "stringValue", binary.time, 92, precision=15, scale=6),
    1114: _type("timestamp", "stringValue", binary.timestamp, 93, precision=29, scale=6),
    1184: _type("timestamptz", "stringValue", binary.timestamp, 93, precision=35, scale=6),
    1700: _type("numeric", "stringValue", binary.numeric, 2, precision=0, signed=True),
    2950: _text("uuid", read=binary.uuid),
    3802: _text("jsonb", read=binary.jsonb),
    3904: _text("int4range", read=binary.range_of(binary.int4)),
    3906: _text("numrange", read=binary.range_of(binary.numeric)),
}
# The array types of the same page, by their element; jsonb's are not in it, but come back to a client's suite that
# runs on Aurora. Its "BIT[]" are PostgreSQL's bit strings, an assumption.
RETURNED_ARRAYS = {
    1000: 16, 1003: 19, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20, 1021: 700, 1022: 701,
    1115: 1114, 1182: 1082, 1183: 1083, 1231: 1700, 199: 114, 2951: 2950, 3807: 3802, 1561: 1560,
}  # fmt: skip
ARRAY_MEMBERS = {
    "booleanValue": "booleanValues",
    "longValue": "longValues",
    "doubleValue": "doubleValues",
    "stringValue": "stringValues",
}
# What is refused under a name in upper case, or one of its own; every other refused type is shown as pg_type has it:
# `regtype`, `tsvector`. The names that were captured on Aurora are those of the Rust driver sqlx, and so are these.
SHOWN = {
    18: '"CHAR"', 600: "POINT", 601: "LSEG", 602: "PATH", 603: "BOX", 604: "POLYGON", 628: "LINE", 705: "UNKNOWN",
    718: "CIRCLE", 774: "MACADDR8", 790: "MONEY", 829: "MACADDR", 1186: "INTERVAL", 1266: "TIMETZ", 1560: "BIT",
    1562: "VARBIT", 2249: "RECORD", 2278: "VOID", 3908: "TSRANGE",
    3910: "TSTZRANGE", 3912: "DATERANGE", 3926: "INT8RANGE", 4072: "JSONPATH",
    # Arrays of these, and of returned types that are not returned as arrays.
    629: "LINE[]", 651: "CIDR[]", 719: "CIRCLE[]", 775: "MACADDR8[]", 791: "MONEY[]", 1001: "BYTEA[]",
    1002: '"CHAR"[]', 1017: "POINT[]", 1018: "LSEG[]", 1019: "PATH[]", 1020: "BOX[]", 1027: "POLYGON[]", 1028: "OID[]",
    1040: "MACADDR[]", 1041: "INET[]", 1185: "TIMESTAMPTZ[]", 1187: "INTERVAL[]", 1270: "TIMETZ[]", 1563: "VARBIT[]",
    2287: "RECORD[]", 3905: "INT4RANGE[]", 3907: "NUMRANGE[]", 3909: "TSRANGE[]", 3911: "TSTZRANGE[]",
    3913: "DATERANGE[]", 3927: "INT8RANGE[]", 4073: "JSONPATH[]",
}  # fmt: skip
# What a JDBC driver reports about refused types.
DESCRIBED: dict[str, dict[str, Any]] = {
    "char": {"jdbc": 1, "precision": 1, "case_sensitive": True},
    "xml": {"jdbc": 2009, "case_sensitive": True},
    "money": {"jdbc": 8, "currency": True},
    "interval": {"precision": 49, "scale": 6},
    "timetz": {"jdbc": 92, "precision": 21, "scale": 6},
}
# Types whose oid is one database's own: every enumeration, and pgvector's vector.
ENUMERATION, BASE = "e", "b"


def array_of(element: Type) -> Type:
    member = ARRAY_MEMBERS[str(element.member)]

    def read(data: bytes) -> dict[str, list[Any]]:
        return {member: [None if item is None else element.read(item) for item in binary.items(data)]}

    name = f"_{element.name}"
    return Type(name=name, shown=name, member="arrayValue", read=read, jdbc=JDBC_ARRAY, element=element)


_BIT = Type(name="bit", shown="BIT", member="stringValue", read=binary.bits, jdbc=-7)
RETURNED |= {array: array_of(RETURNED.get(element, _BIT)) for array, element in RETURNED_ARRAYS.items()}


def of_catalog(oid: int, name: str, kind: str, element: Type | None) -> Type:
    """The type of a row in pg_type; `kind` is its typtype, `element` is an array's."""
    if element is not None:
        return Type(name=name, shown=SHOWN.get(oid, name), jdbc=JDBC_ARRAY, element=element)
    if kind == ENUMERATION:
        return _text(name)
    if kind == BASE and name == "vector":
        return _text(name, read=binary.vector)
    return Type(name=name, shown=SHOWN.get(oid, name), **DESCRIBED.get(name, {}))
