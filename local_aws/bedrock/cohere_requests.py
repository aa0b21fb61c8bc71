"""What Cohere Embed v3 and v4 take on Bedrock: each model's limits, and the refusals of what breaks its schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.bedrock.errors import BedrockError, malformed

TEXTS = 96
EMBEDDING_TYPES = ("float", "int8", "uint8", "binary", "ubinary")
DIMENSIONS = (256, 512, 1024, 1536)  # of v4
_OF_TEXTS = ("search_document", "search_query", "classification", "clustering")


@dataclass(frozen=True)
class Model:
    """`characters` of a text (None: no limit of its own), `tokens` of one, or of v4 of all texts of a call."""

    characters: int | None
    tokens: int
    input_types: tuple[str, ...]
    begins: str
    """The `truncate` that leaves out the end of a text."""
    ends: str
    fields: tuple[str, ...]
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Prefix of an inference profile -> what the names of the regions begin with that may call it."""
    on_demand: tuple[str, ...] | None = None
    """The regions that have it without a profile; None: all."""


_V3 = Model(2048, 512, (*_OF_TEXTS, "image"), "END", "START", ("images",))
MODELS = {
    "cohere.embed-multilingual-v3": _V3,
    "cohere.embed-english-v3": _V3,
    "cohere.embed-v4:0": Model(
        None,
        128_000,
        _OF_TEXTS,
        "RIGHT",
        "LEFT",
        ("images", "inputs", "output_dimension", "max_tokens"),
        {"us": "us-", "eu": "eu-", "global": ""},
        ("us-east-1", "eu-west-1", "ap-northeast-1"),
    ),
}
JSON_TYPES = {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean", int: "Integer", float: "Double"}


def named(name: str, region: str) -> tuple[str, str | None]:
    """The model that an id means for a caller in `region`, and the inference profile's id, if it is one.

    Raises:
        BedrockError: ValidationException, where there is no such model, or not in this way.
    """
    prefix, _, rest = name.partition(".")
    if name in MODELS:
        regions = MODELS[name].on_demand
        if regions is not None and region not in regions:
            raise BedrockError(
                "ValidationException",
                f"Invocation of model ID {name} with on-demand throughput isn\u2019t supported. Retry your request with"
                " the ID or ARN of an inference profile that contains this model.",
            )
        return name, None
    if rest in MODELS and region.startswith(MODELS[rest].profiles.get(prefix, "no region")):
        return rest, name
    raise BedrockError("ValidationException", "The provided model identifier is invalid.")


def parse(of: Model, body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise malformed() from None
    if violations := list(_violations(of, request)):
        raise malformed(*violations)
    members: dict[str, Any] = request
    return members


def _violations(of: Model, request: Any) -> Iterator[str]:
    if not isinstance(request, dict):
        yield f": expected type: JSONObject, found: {_type(request)}"
        return
    for name in ("texts", "input_type") if of.characters else ("input_type",):
        if name not in request:
            yield f": required key [{name}] not found"
    for name, value in request.items():
        check = CHECKS.get(name) if name in _FIELDS or name in of.fields else None
        if check is None:
            yield f": extraneous key [{name}] is not permitted"
        else:
            yield from check(of, name, value)


def _texts(of: Model, name: str, value: Any) -> Iterator[str]:
    yield from _strings(of, name, value, most=TEXTS)
    for number, text in enumerate(value if isinstance(value, list) else ()):
        if isinstance(text, str) and of.characters and len(text) > of.characters:
            yield f"/{name}/{number}: expected maxLength: {of.characters}, actual: {len(text)}"


def _strings(of: Model, name: str, value: Any, *, most: int) -> Iterator[str]:  # noqa: ARG001 (one form for all checks)
    if not isinstance(value, list):
        yield f"/{name}: expected type: JSONArray, found: {_type(value)}"
        return
    if len(value) > most:
        yield f"/{name}: expected maximum item count: {most}, found: {len(value)}"
    for number, item in enumerate(value):
        if not isinstance(item, str):
            yield f"/{name}/{number}: expected type: String, found: {_type(item)}"


def _choice(of: Model, name: str, value: Any) -> Iterator[str]:
    choices = of.input_types if name == "input_type" else ("NONE", of.ends, of.begins)
    if not isinstance(value, str):
        yield f"/{name}: expected type: String, found: {_type(value)}"
    elif value not in choices:
        yield f"/{name}: {value[:64]} is not a valid enum value"


def _number(of: Model, name: str, value: Any) -> Iterator[str]:  # noqa: ARG001 (one form for all checks)
    if type(value) is not int:
        yield f"/{name}: expected type: Integer, found: {_type(value)}"
    elif name == "output_dimension" and value not in DIMENSIONS:
        yield f"/{name}: {value} is not a valid enum value"
    elif value < 1:
        yield f"/{name}: {value} is not greater or equal to 1"


def _types(of: Model, name: str, value: Any) -> Iterator[str]:
    yield from _strings(of, name, value, most=len(EMBEDDING_TYPES))
    for number, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str) and item not in EMBEDDING_TYPES:
            yield f"/{name}/{number}: {item[:64]} is not a valid enum value"


def _images(of: Model, name: str, value: Any) -> Iterator[str]:
    yield from _strings(of, name, value, most=1 if of.characters else TEXTS)


def _inputs(of: Model, name: str, value: Any) -> Iterator[str]:  # noqa: ARG001 (one form for all checks)
    if not isinstance(value, list):
        yield f"/{name}: expected type: JSONArray, found: {_type(value)}"


_FIELDS = ("texts", "input_type", "truncate", "embedding_types")  # of every model
CHECKS: dict[str, Callable[[Model, str, Any], Iterator[str]]] = {
    "texts": _texts,
    "input_type": _choice,
    "truncate": _choice,
    "embedding_types": _types,
    "images": _images,
    "inputs": _inputs,
    "output_dimension": _number,
    "max_tokens": _number,
}


def _type(value: Any) -> str:
    return JSON_TYPES.get(type(value), "Null")
