"""What a statement answered, as the response's members."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from local_aws.data_api.errors import unsupported
from local_aws.data_api.session import Column, Outcome, Row
from local_aws.data_api.types import Type, double

RESPONSE_BYTES = 2**20
ROW_BYTES = 64 * 2**10
JSON_BYTES = 10 * 2**20
LONG_DIGITS = 18
NULL = {"isNull": True}

Reader = tuple[str, Callable[[bytes], Any]]


def limit(request: dict[str, Any]) -> int:
    """How many bytes of values are worth keeping: more than these cannot be answered."""
    return JSON_BYTES if request.get("formatRecordsAs") == "JSON" else RESPONSE_BYTES


def response(outcome: Outcome, types: Sequence[Type], request: dict[str, Any]) -> dict[str, Any]:
    """The members that carry the result, without the metadata.

    Raises:
        ApiError: UnsupportedResultException for a type, a shape or a size that AWS does not return.
    """
    if outcome.columns is None:
        return {"generatedFields": [], "numberOfRecordsUpdated": outcome.count}
    for type_ in types:
        if type_.is_refused:
            raise unsupported(f"The result contains the unsupported data type {type_.name.upper()}.")
    too_large = unsupported(f"The result exceeds the size limit {limit(request) // 2**20} MB")
    if outcome.is_too_large:
        raise too_large
    readers = [_reader(type_, request.get("resultSetOptions", {})) for type_ in types]
    if request.get("formatRecordsAs") == "JSON":
        text = _as_json(outcome.columns, readers, outcome.rows)
        if len(text.encode()) > JSON_BYTES:
            raise too_large
        return {"formattedRecords": text, "numberOfRecordsUpdated": 0}
    for row in outcome.rows:
        if sum(map(len, filter(None, row))) > ROW_BYTES:
            raise unsupported(f"The result contains a row that exceeds the size limit {ROW_BYTES // 2**10} KB")
    records = [[_field(reader, value) for reader, value in zip(readers, row, strict=True)] for row in outcome.rows]
    return {"records": records, "numberOfRecordsUpdated": 0}


def _reader(type_: Type, options: dict[str, str]) -> Reader:
    if type_.member == "longValue" and options.get("longReturnType") == "STRING":
        return "stringValue", bytes.decode
    if type_.name == "numeric" and options.get("decimalReturnType") == "DOUBLE_OR_LONG":
        return "decimal", _double_or_long
    return type_.member, type_.read


def _double_or_long(text: bytes) -> int | float | str:
    """A long where the value has no decimals and fits, else a double."""
    digits = text.lstrip(b"-")
    return int(text) if digits.isdigit() and len(digits) <= LONG_DIGITS else double(text)


def _field(reader: Reader, text: bytes | None) -> dict[str, Any]:
    if text is None:
        return NULL
    member, read = reader
    value = read(text)
    if member == "decimal":
        member = "longValue" if isinstance(value, int) else "doubleValue"
    return {member: base64.b64encode(value).decode() if isinstance(value, bytes) else value}


def _as_json(columns: Sequence[Column], readers: Sequence[Reader], rows: Sequence[Row]) -> str:
    labels = [column.name for column in columns]
    if len(set(labels)) < len(labels):
        raise unsupported("The result contains duplicate column labels, which formatRecordsAs JSON does not support")
    records = [
        {label: _json_value(*reader, text) for label, reader, text in zip(labels, readers, row, strict=True)}
        for row in rows
    ]
    return json.dumps(records, ensure_ascii=False, separators=(",", ":"))


def _json_value(member: str, read: Callable[[bytes], Any], text: bytes | None) -> Any:
    if text is None:
        return None
    value = read(text)
    if member == "arrayValue":
        [value] = value.values()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
