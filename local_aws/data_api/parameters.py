"""SqlParameters, as what PostgreSQL binds: a type, a format, bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.pq import Format

from local_aws.data_api.errors import ApiError, bad_request, validation
from local_aws.data_api.requests import SqlParameter

UNSPECIFIED, BOOL, BYTEA, INT8, TEXT, FLOAT8 = 0, 16, 17, 20, 25, 701
HINTS = {"JSON": 114, "UUID": 2950, "TIMESTAMP": 1114, "DATE": 1082, "TIME": 1083, "DECIMAL": 1700}
# The formats that AWS's guide names for a hint, as it writes them, and the same as a pattern. That a fraction may have
# six digits is assumed: clients send microseconds. What is no number is no DECIMAL.
_DATE, _TIME = r"\d{4}-\d{2}-\d{2}", r"\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
FORMATS = {
    "DATE": ("YYYY-MM-DD", re.compile(_DATE)),
    "TIME": ("HH:MM:SS[.FFF]", re.compile(_TIME)),
    "TIMESTAMP": ("YYYY-MM-DD HH:MM:SS[.FFF]", re.compile(f"{_DATE} {_TIME}")),
    "DECIMAL": ("a decimal number", re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")),
}


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
    """UTF-8, refused as PostgreSQL refuses what is no text; libpq would truncate it at the NUL."""
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


def bind(names: Sequence[str], parameters: Sequence[SqlParameter]) -> Bound:
    """The parameters in the order of the placeholders.

    Without any parameter nothing is bound, and PostgreSQL reports what is missing.
    """
    by_name: dict[str, SqlParameter] = {}
    for parameter in parameters:
        if parameter.name is None:
            raise validation("Named parameters are required.")
        by_name[parameter.name] = parameter
    bound = Bound()
    if not by_name:
        return bound
    for name in names:
        if name not in by_name:
            raise bad_request(f"Cannot find parameter: {name}")
        oid, format_, value = _bound(name, by_name[name])
        bound.values.append(value)
        bound.types.append(oid)
        bound.formats.append(format_)
    if unused := by_name.keys() - set(names):
        raise validation(f"The SQL statement has no placeholder for the parameter: {min(unused)}")
    return bound


def _bound(name: str, parameter: SqlParameter) -> tuple[int, Format, bytes | None]:
    hint = parameter.type_hint or ""
    [(member, value)] = (parameter.value or {"isNull": True}).items()
    if member == "isNull":
        return HINTS.get(hint, UNSPECIFIED), Format.TEXT, None
    if member == "arrayValue":
        raise validation("Array parameters are not supported.")
    oid, encode = MEMBERS[member]
    if member == "stringValue":
        oid = HINTS.get(hint, oid)
        _check_format(name, hint, value)
    return oid, Format.BINARY if member == "blobValue" else Format.TEXT, encode(value)


def _check_format(name: str, hint: str, value: str) -> None:
    """The value itself is not repeated: it is the user's."""
    format_, pattern = FORMATS.get(hint, ("", None))
    if pattern is not None and not pattern.fullmatch(value):
        raise validation(f"The value of the parameter {name} is not in the format of the type hint {hint}: {format_}")
