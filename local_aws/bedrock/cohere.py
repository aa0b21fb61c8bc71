"""Cohere Embed v3 and v4 as Bedrock takes and answers them; the vectors are an embedder's.

Limits and shapes: the Bedrock user guide's pages of the models. Words of the errors: as people report them from AWS.
"""

from __future__ import annotations

import math
import random
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_aws.bedrock.cohere_requests import MODELS, Model, parse
from local_aws.bedrock.embedders import Embed
from local_aws.bedrock.errors import BedrockError

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


def answer(model: str, body: bytes, embed: Embed) -> Answer:
    """
    Raises:
        BedrockError: ValidationException, for what AWS refuses.
    """
    of = MODELS[model]
    request = parse(of, body)
    texts: list[str] = request.get("texts", [])
    if not texts or {"images", "inputs"} & set(request) or request["input_type"] == "image":
        raise BedrockError("ValidationException", "the local Bedrock embeds texts alone, one or more, and no images")
    pieces = [list(_PIECE.finditer(text)) for text in texts]
    truncate = request.get("truncate", "NONE")
    most = min(request.get("max_tokens", of.tokens), of.tokens)
    counts = [len(found) for found in pieces]
    if truncate == "NONE" and (max(counts) > most or (of.characters is None and sum(counts) > of.tokens)):
        raise BedrockError("ValidationException", "Input is too long for requested model.")
    kept = [_cut(text, found, most, truncate == of.ends) for text, found in zip(texts, pieces, strict=True)]
    made = embed(kept, query=request["input_type"] == "search_query")
    vectors = [_sized(of_model(model, vector), request.get("output_dimension", _default(of))) for vector in made]
    types = request.get("embedding_types")
    if of.characters is None and types == ["float"]:
        types = None  # v4 answers one type as if none were named
    return Answer(
        {
            "id": str(uuid.uuid4()),
            "texts": texts,
            "embeddings": {name: [TYPES[name](vector) for vector in vectors] for name in types} if types else vectors,
            "response_type": "embeddings_by_type" if types else "embeddings_floats",
        },
        texts=len(texts),
        tokens=sum(min(count, most) for count in counts),
    )


def of_model(model: str, vector: list[float]) -> list[float]:
    """Each model's vectors in an order and with signs of its own, so that vectors of two have nothing in common."""
    if model == "cohere.embed-multilingual-v3":
        return vector
    order, signs = _rotation(model, len(vector))
    return [vector[place] * sign for place, sign in zip(order, signs, strict=True)]


@cache
def _rotation(model: str, dimensions: int) -> tuple[list[int], list[float]]:
    chance = random.Random(model)
    return chance.sample(range(dimensions), dimensions), chance.choices((-1.0, 1.0), k=dimensions)


def _sized(vector: list[float], dimensions: int) -> list[float]:
    """The beginning of the vector, of length 1 again; numbers that the embedder does not make are 0."""
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [value / length for value in kept] + [0.0] * (dimensions - len(kept)) if dimensions != 1024 else vector


def _default(of: Model) -> int:
    return 1024 if of.characters else 1536


def _cut(text: str, pieces: Sequence[re.Match[str]], most: int, end: bool) -> str:
    """`end`: what is kept is the end."""
    if len(pieces) <= most:
        return text
    return text[pieces[-most].start() :] if end else text[: pieces[most - 1].end()]


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
