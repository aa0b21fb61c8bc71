"""SqlParameters, as what PostgreSQL binds: a type, a format, bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.pq import Format

from local_aws.data_api.errors import ApiError, bad_request, validation

UNSPECIFIED, BOOL, BYTEA, INT8, TEXT, FLOAT8 = 0, 16, 17, 20, 25, 701
HINTS = {"JSON": 114, "UUID": 2950, "TIMESTAMP": 1114, "DATE": 1082, "TIME": 1083, "DECIMAL": 1700}


@dataclass
class Bound:
    """The arguments of one execution, in the order of the statement's numbers."""

    values: list[bytes | None] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    formats: list[Format] = field(default_factory=list)

    @classmethod
    def of(cls, value: bytes, type_: int) -> Bound:
        return cls([value], [type_], [Format.TEXT])


def text(value: str) -> bytes:
    """UTF-8, refused as PostgreSQL refuses what is no text; libpq would cut it at the NUL."""
    encoded = value.encode("utf-8", "surrogatepass")
    if b"\0" in encoded:
        raise ApiError(
            "DatabaseErrorException", 'ERROR: invalid byte sequence for encoding "UTF8": 0x00; SQLState: 22021'
        )
    return encoded


def _double(value: float) -> bytes:
    return repr(value).encode()


# A Field's member: the type it is bound as, and its text.
MEMBERS: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "booleanValue": (BOOL, lambda value: b"t" if value else b"f"),
    "longValue": (INT8, lambda value: b"%d" % value),
    "doubleValue": (FLOAT8, _double),
    "stringValue": (TEXT, text),
    "blobValue": (BYTEA, bytes),
}


def bind(names: Sequence[str], parameters: Sequence[Mapping[str, Any]]) -> Bound:
    """The parameters in the order of the placeholders. One that the SQL does not name is ignored.

    Without any parameter nothing is bound, and PostgreSQL says what it misses.
    """
    by_name: dict[str, Mapping[str, Any]] = {}
    for parameter in parameters:
        name = parameter.get("name")
        if name is None:
            raise validation("Named parameters are required.")
        by_name[name] = parameter
    bound = Bound()
    if not by_name:
        return bound
    for name in names:
        if name not in by_name:
            raise bad_request(f"Cannot find parameter: {name}")
        oid, format_, value = _bound(by_name[name])
        bound.values.append(value)
        bound.types.append(oid)
        bound.formats.append(format_)
    return bound


def _bound(parameter: Mapping[str, Any]) -> tuple[int, Format, bytes | None]:
    hint: str = parameter.get("typeHint", "")
    [(member, value)] = parameter.get("value", {"isNull": True}).items()
    if member == "isNull":
        return HINTS.get(hint, UNSPECIFIED), Format.TEXT, None
    if member == "arrayValue":
        raise bad_request("Array parameters are not supported.")
    oid, encode = MEMBERS[member]
    if member == "stringValue":
        oid = HINTS.get(hint, oid)
    return oid, Format.BINARY if member == "blobValue" else Format.TEXT, encode(value)
