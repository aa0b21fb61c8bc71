"""Python values to and from the Data API's Field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

if TYPE_CHECKING:
    from types_boto3_rds_data.type_defs import ColumnMetadataTypeDef, FieldOutputTypeDef, SqlParameterTypeDef

Row = dict[str, Any]


def to_json(value: Any) -> str:
    """JSON as a parameter for `:v::jsonb`: without blanks, and in its own characters, since a request has 4 MiB."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _utc(moment: datetime) -> str:
    """A moment with a zone becomes UTC, as the Data API's sessions are."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(sep=" ")


def _same(value: Any) -> Any:
    return value


# Python's type -> member of Field, conversion, type hint. A str is bound as text: cast what is not (`:v::vector`).
_INTO: dict[type, tuple[str, Callable[[Any], Any], str | None]] = {
    type(None): ("isNull", lambda _: True, None),
    bool: ("booleanValue", _same, None),
    int: ("longValue", _same, None),
    float: ("doubleValue", _same, None),
    str: ("stringValue", _same, None),
    bytes: ("blobValue", _same, None),
    Decimal: ("stringValue", str, "DECIMAL"),
    UUID: ("stringValue", str, "UUID"),
    datetime: ("stringValue", _utc, "TIMESTAMP"),
    date: ("stringValue", date.isoformat, "DATE"),
    time: ("stringValue", time.isoformat, "TIME"),
    dict: ("stringValue", json.dumps, "JSON"),
    list: ("stringValue", json.dumps, "JSON"),
}

# PostgreSQL's type -> what its stringValue becomes; any other stays a str.
_OUT_OF: dict[str, Callable[[str], Any]] = {
    "numeric": Decimal,
    "uuid": UUID,
    "json": json.loads,
    "jsonb": json.loads,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamptz": lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
}


def to_parameters(values: Mapping[str, Any]) -> list[SqlParameterTypeDef]:
    return [_to_parameter(name, value) for name, value in values.items()]


def _to_parameter(name: str, value: Any) -> SqlParameterTypeDef:
    try:
        member, convert, hint = _INTO[type(value)]
    except KeyError:
        types = ", ".join(sorted(kind.__name__ for kind in _INTO))
        raise TypeError(f"parameter {name} must be one of {types}, got {type(value).__name__}") from None
    parameter: dict[str, Any] = {"name": name, "value": {member: convert(value)}}
    if hint:
        parameter["typeHint"] = hint
    return cast("SqlParameterTypeDef", parameter)


def to_rows(records: Sequence[Sequence[FieldOutputTypeDef]], columns: Sequence[ColumnMetadataTypeDef]) -> list[Row]:
    labels = [column["label"] for column in columns]
    convert = [_OUT_OF.get(column["typeName"], _same) for column in columns]
    return [
        {label: _from_field(field, into) for label, field, into in zip(labels, record, convert, strict=True)}
        for record in records
    ]


def _from_field(field: Mapping[str, Any], convert: Callable[[str], Any]) -> Any:
    member, value = next(iter(field.items()))
    if member == "isNull":
        return None
    if member == "arrayValue":
        return next(iter(value.values()), [])
    return convert(value)
