"""Requests, checked against botocore's description of the service: shapes, limits and enumerations are AWS's own.

What comes out is a dataclass of `requests`, named as botocore's structure.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.model import ListShape, OperationModel, Shape, StringShape, StructureShape

from local_aws.data_api.errors import SERVICE, ApiError, validation
from local_aws.data_api.requests import STRUCTURES, Request

_MODELS = [SERVICE.operation_model(name) for name in SERVICE.operation_names]
OPERATIONS: dict[str, OperationModel] = {model.http["requestUri"]: model for model in _MODELS if not model.deprecated}
NO_LONGER_SUPPORTED = {model.http["requestUri"]: model.name for model in _MODELS if model.deprecated}
REQUEST_BYTES = 4 * 1024 * 1024
LONG = range(-(2**63), 2**63)
NON_FINITE = ("NaN", "Infinity", "-Infinity")


def parse(operation: OperationModel, body: bytes) -> Request:
    """The request, blobs decoded.

    Raises:
        ApiError: SerializationException where the JSON has another type than the shape, ValidationException
            where a value breaks a constraint; every broken constraint is named, as AWS does.
    """
    if len(body) > REQUEST_BYTES:
        raise validation(f"Request size exceeds the limit of {REQUEST_BYTES} bytes.")
    try:
        value = json.loads(body, parse_constant=_no_constant) if body else {}
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", "The request body is not valid JSON.") from error
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    members: dict[str, Any] = _deserialize(shape, value)
    broken: list[str] = []
    _validate(shape, members, "", broken)
    if broken:
        plural = "s" if len(broken) > 1 else ""
        raise validation(f"{len(broken)} validation error{plural} detected: {'; '.join(broken)}")
    request: Request = _build(shape, members)
    return request


def _build(shape: Shape, value: Any) -> Any:
    if isinstance(shape, ListShape):
        return tuple(_build(shape.member, item) for item in value)
    if isinstance(shape, StructureShape) and shape.name in STRUCTURES:
        members = {xform_name(name): _build(shape.members[name], member) for name, member in value.items()}
        return STRUCTURES[shape.name](**members)
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _deserialize(shape: Shape, value: Any) -> Any:
    expected, convert = DESERIALIZERS[shape.type_name]
    if isinstance(value, bool) != (expected is bool) or not isinstance(value, expected):
        raise _mistyped(shape, value)
    return convert(shape, value)


def _structure(shape: StructureShape, value: dict[str, Any]) -> dict[str, Any]:
    members = {
        name: _deserialize(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
    }
    if shape.is_tagged_union and len(members) != 1:
        raise ApiError(
            "SerializationException", f"Union {shape.name} must have exactly one member set, got {len(members)}"
        )
    return members


def _list(shape: ListShape, value: list[Any]) -> list[Any]:
    return [_deserialize(shape.member, item) for item in value]


def _long(shape: Shape, value: int) -> int:
    if value not in LONG:
        raise _mistyped(shape, value)
    return value


def _double(shape: Shape, value: float | str) -> float:
    if isinstance(value, str) and value not in NON_FINITE:
        raise _mistyped(shape, value)
    try:
        return float(value)
    except OverflowError:
        raise _mistyped(shape, value) from None


def _blob(shape: Shape, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _mistyped(shape, value) from None


def _as_it_is(_: Shape, value: Any) -> Any:
    return value


DESERIALIZERS: dict[str, tuple[type | tuple[type, ...], Callable[[Any, Any], Any]]] = {
    "structure": (dict, _structure),
    "list": (list, _list),
    "string": (str, _as_it_is),
    "boolean": (bool, _as_it_is),
    "integer": (int, _long),
    "long": (int, _long),
    "double": ((int, float, str), _double),
    "blob": (str, _blob),
}
JSON_NAMES = {
    dict: "Start of structure",
    list: "Start of list",
    str: "STRING_VALUE",
    bool: "BOOLEAN_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    type(None): "NULL_VALUE",
}


def _mistyped(shape: Shape, value: Any) -> ApiError:
    wanted = shape.type_name.capitalize()
    return ApiError("SerializationException", f"{JSON_NAMES[type(value)]} can not be converted to a {wanted}")


def _validate(shape: Shape, value: Any, path: str, broken: list[str]) -> None:
    if isinstance(shape, StructureShape):
        missing = [name for name in shape.required_members if name not in value]
        broken += [_constraint("null", f"{path}{name}", "Member must not be null") for name in missing]
        for name, member in value.items():
            _validate(shape.members[name], member, f"{path}{name}", broken)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            inner = f"{path}.{number}.member"
            _validate(shape.member, item, f"{inner}." if isinstance(shape.member, StructureShape) else inner, broken)
    elif isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            names = ", ".join(shape.enum)
            broken.append(_constraint(value, path, f"Member must satisfy enum value set: [{names}]"))
        if len(value) > shape.metadata.get("max", len(value)):
            limit = shape.metadata["max"]
            broken.append(_constraint(value, path, f"Member must have length less than or equal to {limit}"))
        if len(value) < shape.metadata.get("min", 0):
            limit = shape.metadata["min"]
            broken.append(_constraint(value, path, f"Member must have length greater than or equal to {limit}"))


def _constraint(value: str, path: str, constraint: str) -> str:
    # The SQL of an over-long request is not repeated back, nor is anything else of that size.
    shown = value if value == "null" else f"'{value[:256]}'"
    return f"Value {shown} at '{path.rstrip('.')}' failed to satisfy constraint: {constraint}"
