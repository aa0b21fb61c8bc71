"""Cohere Embed v3 as Bedrock takes and answers it; the vectors are an embedder's.

Limits and shapes: the Bedrock user guide's page of the model. Words of the errors: as people report them from AWS.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.bedrock.embedders import Embed
from local_aws.bedrock.errors import BedrockError, malformed

MODELS = ("cohere.embed-multilingual-v3", "cohere.embed-english-v3")
TEXTS, CHARACTERS, TOKENS = 96, 2048, 512
CHOICES = {
    "input_type": ("search_document", "search_query", "classification", "clustering", "image"),
    "truncate": ("NONE", "START", "END"),
}
JSON_TYPES = {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean", int: "Integer", float: "Double"}
# Four characters are about a token where words have spaces between them. Elsewhere each character counts as one, which
# is more than a tokenizer makes of it: what fits here fits there.
_PIECE = re.compile(r"[A-Za-z0-9\u00c0-\u024f]{1,4}|\S")


@dataclass(frozen=True)
class Answer:
    """A response's body, and what its headers and the log show of it."""

    body: dict[str, Any]
    texts: int
    tokens: int


def tokens(text: str) -> int:
    """About as many as a tokenizer makes, or more."""
    return len(_PIECE.findall(text))


def answer(body: bytes, embed: Embed) -> Answer:
    """
    Raises:
        BedrockError: ValidationException, for what AWS refuses.
    """
    request = _parse(body)
    texts: list[str] = request["texts"]
    if not texts or "images" in request or request["input_type"] == "image":
        raise BedrockError("ValidationException", "the local Bedrock embeds texts alone, one or more, and no images")
    pieces = [list(_PIECE.finditer(text)) for text in texts]
    truncate = request.get("truncate", "NONE")
    if truncate == "NONE" and max(map(len, pieces)) > TOKENS:
        raise BedrockError("ValidationException", "Input is too long for requested model.")
    kept = [_cut(text, found, truncate) for text, found in zip(texts, pieces, strict=True)]
    vectors = embed(kept, query=request["input_type"] == "search_query")
    types = request.get("embedding_types")
    return Answer(
        {
            "id": str(uuid.uuid4()),
            "texts": texts,
            "embeddings": {name: [TYPES[name](vector) for vector in vectors] for name in types} if types else vectors,
            "response_type": "embeddings_by_type" if types else "embeddings_floats",
        },
        texts=len(texts),
        tokens=sum(min(len(found), TOKENS) for found in pieces),
    )


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise malformed() from None
    if violations := list(_violations(request)):
        raise malformed(*violations)
    members: dict[str, Any] = request
    return members


def _violations(request: Any) -> Iterator[str]:
    if not isinstance(request, dict):
        yield f": expected type: JSONObject, found: {_type(request)}"
        return
    for name in ("texts", "input_type"):
        if name not in request:
            yield f": required key [{name}] not found"
    for name, value in request.items():
        check = CHECKS.get(name)
        if check is None:
            yield f": extraneous key [{name}] is not permitted"
        else:
            yield from check(name, value)


def _texts(name: str, value: Any) -> Iterator[str]:
    yield from _strings(name, value, most=TEXTS)
    for number, text in enumerate(value if isinstance(value, list) else ()):
        if isinstance(text, str) and len(text) > CHARACTERS:
            yield f"/{name}/{number}: expected maxLength: {CHARACTERS}, actual: {len(text)}"


def _strings(name: str, value: Any, *, most: int) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"/{name}: expected type: JSONArray, found: {_type(value)}"
        return
    if len(value) > most:
        yield f"/{name}: expected maximum item count: {most}, found: {len(value)}"
    for number, item in enumerate(value):
        if not isinstance(item, str):
            yield f"/{name}/{number}: expected type: String, found: {_type(item)}"


def _choice(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"/{name}: expected type: String, found: {_type(value)}"
    elif value not in CHOICES[name]:
        yield f"/{name}: {value[:64]} is not a valid enum value"


def _types(name: str, value: Any) -> Iterator[str]:
    yield from _strings(name, value, most=len(TYPES))
    for number, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str) and item not in TYPES:
            yield f"/{name}/{number}: {item[:64]} is not a valid enum value"


def _images(name: str, value: Any) -> Iterator[str]:
    yield from _strings(name, value, most=1)


CHECKS: dict[str, Callable[[str, Any], Iterator[str]]] = {
    "texts": _texts,
    "input_type": _choice,
    "truncate": _choice,
    "embedding_types": _types,
    "images": _images,
}


def _type(value: Any) -> str:
    return JSON_TYPES.get(type(value), "Null")


def _cut(text: str, pieces: Sequence[re.Match[str]], truncate: str) -> str:
    if len(pieces) <= TOKENS:
        return text
    return text[pieces[-TOKENS].start() :] if truncate == "START" else text[: pieces[TOKENS - 1].end()]


def _int8(vector: list[float]) -> list[int]:
    largest = max(map(abs, vector))
    return [round(value / largest * 127) for value in vector]


def _ubinary(vector: list[float]) -> list[int]:
    bits = "".join("1" if value > 0 else "0" for value in vector)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


TYPES: dict[str, Callable[[list[float]], list[Any]]] = {
    "float": list,
    "int8": _int8,
    "uint8": lambda vector: [value + 128 for value in _int8(vector)],
    "ubinary": _ubinary,
    "binary": lambda vector: [value - 128 for value in _ubinary(vector)],
}
