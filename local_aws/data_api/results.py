"""What a statement returned, as the response's members."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from local_aws.data_api.errors import ApiError, bad_request, unsupported
from local_aws.data_api.floats import finite_or_name
from local_aws.data_api.requests import ExecuteStatementRequest, ResultSetOptions
from local_aws.data_api.session import Column, Outcome, Row
from local_aws.data_api.types import Type

RESPONSE_BYTES = 2**20
JSON_BYTES = 10 * 2**20
LONG_DIGITS = 18
NULL = {"isNull": True}
Reader = tuple[str, Callable[[bytes], Any]]


def limit(request: ExecuteStatementRequest) -> int:
    """How many bytes of values are worth keeping: more than these cannot be returned."""
    return JSON_BYTES if request.as_json else RESPONSE_BYTES


def response(outcome: Outcome, types: Sequence[Type], request: ExecuteStatementRequest) -> dict[str, Any]:
    """The members that carry the result, without the metadata.

    Raises:
        ApiError: for a type, a shape or a size that the Data API does not return.
    """
    if outcome.columns is None:
        return {"generatedFields": [], "numberOfRecordsUpdated": outcome.count}
    if outcome.has_rows:
        for type_ in types:
            if type_.member is None:
                raise unsupported(f"The result contains the unsupported data type {type_.shown}.")
    if outcome.is_too_large:
        raise _too_large(request)
    readers = [_reader(type_, request.result_set_options) for type_ in types]
    if request.as_json:
        text = _as_json(outcome.columns, readers, outcome.rows)
        if len(text.encode()) > JSON_BYTES:
            raise _too_large(request)
        return {"formattedRecords": text, "numberOfRecordsUpdated": 0}
    records = [[_field(reader, value) for reader, value in zip(readers, row, strict=True)] for row in outcome.rows]
    return {"records": records, "numberOfRecordsUpdated": 0}


def _too_large(request: ExecuteStatementRequest) -> ApiError:
    if request.as_json:
        return bad_request("Database response exceeded size limit")
    return unsupported("The result exceeds the size limit 1 MB")


def _reader(type_: Type, options: ResultSetOptions) -> Reader:
    if type_.member == "longValue" and options.long_return_type == "STRING":
        return "stringValue", lambda data: str(type_.read(data))
    if type_.name == "numeric" and options.decimal_return_type == "DOUBLE_OR_LONG":
        return "decimal", lambda data: _double_or_long(type_.read(data))
    return str(type_.member), type_.read


def _double_or_long(text: str) -> int | float | str:
    """A long where the value has no decimals and fits, else a double."""
    digits = text.removeprefix("-")
    return int(text) if digits.isdigit() and len(digits) <= LONG_DIGITS else finite_or_name(float(text))


def _field(reader: Reader, data: bytes | None) -> dict[str, Any]:
    if data is None:
        return NULL
    member, read = reader
    value = read(data)
    if member == "decimal":
        member = "longValue" if isinstance(value, int) else "doubleValue"
    return {member: base64.b64encode(value).decode() if isinstance(value, bytes) else value}


def _as_json(columns: Sequence[Column], readers: Sequence[Reader], rows: Sequence[Row]) -> str:
    labels = [column.name for column in columns]
    if len(set(labels)) < len(labels):
        raise unsupported("The result contains duplicate column labels, which formatRecordsAs JSON does not support")
    records = [
        {label: _json_value(*reader, data) for label, reader, data in zip(labels, readers, row, strict=True)}
        for row in rows
    ]
    return json.dumps(records, ensure_ascii=False, separators=(",", ":"))


def _json_value(member: str, read: Callable[[bytes], Any], data: bytes | None) -> Any:
    if data is None:
        return None
    value = read(data)
    if member == "arrayValue":
        [value] = value.values()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
