"""Requests that AWS refuses, in its words, and the shapes of what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.bedrock import cohere, embedders
from local_aws.bedrock.errors import BedrockError
from local_aws.bedrock.vectors import embed

EMBED = embedders.choose("hashed").embed
GOOD = {"texts": ["犬"], "input_type": "search_query"}


def answer(**members: Any) -> dict[str, Any]:
    return cohere.answer(json.dumps(GOOD | members).encode(), EMBED).body


def refused(body: bytes) -> str:
    with pytest.raises(BedrockError) as raised:
        cohere.answer(body, EMBED)
    assert (raised.value.name, raised.value.status) == ("ValidationException", 400)
    return str(raised.value.members["message"])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"texts": ["x"] * 97}, "#/texts: expected maximum item count: 96, found: 97"),
        ({"texts": ["x", "y" * 2049]}, "#/texts/1: expected maxLength: 2048, actual: 2049"),
        ({"texts": "x"}, "#/texts: expected type: JSONArray, found: String"),
        ({"texts": ["x", 1]}, "#/texts/1: expected type: String, found: Integer"),
        ({"input_type": "query"}, "#/input_type: query is not a valid enum value"),
        ({"input_type": None}, "#/input_type: expected type: String, found: Null"),
        ({"truncate": "LEFT"}, "#/truncate: LEFT is not a valid enum value"),
        ({"embedding_types": ["float", "f"]}, "#/embedding_types/1: f is not a valid enum value"),
        ({"inputText": "x"}, "#: extraneous key [inputText] is not permitted"),
    ],
)
def test_what_breaks_the_models_schema(members: dict[str, Any], message: str) -> None:
    body = json.dumps(GOOD | members).encode()
    assert refused(body) == f"Malformed input request: {message}, please reformat your input and try again."


def test_every_violation_is_named() -> None:
    assert refused(b'{"inputText": "x"}') == (
        "Malformed input request: #: required key [texts] not found#: required key [input_type] not found"
        "#: extraneous key [inputText] is not permitted, please reformat your input and try again."
    )
    assert "#: expected type: JSONObject, found: JSONArray" in refused(b"[]")
    assert refused(b"{") == "Malformed input request, please reformat your input and try again."


def test_the_limits_themselves_are_allowed() -> None:
    assert len(answer(texts=["x" * 2048] * 96)["embeddings"]) == 96


@pytest.mark.parametrize("members", [{"texts": []}, {"images": ["data:"]}, {"input_type": "image"}])
def test_images_are_not_embedded(members: dict[str, Any]) -> None:
    assert refused(json.dumps(GOOD | members).encode()) == (
        "the local Bedrock embeds texts alone, one or more, and no images"
    )


def test_tokens_are_counted_and_cut_where_that_is_asked_for() -> None:
    fits, long = "犬" * 512, "犬" * 512 + "猫" * 100
    assert answer(texts=[fits])["texts"] == [fits]
    assert refused(json.dumps(GOOD | {"texts": [long]}).encode()) == "Input is too long for requested model."
    assert answer(texts=[long], truncate="END")["embeddings"] == [embed(fits)]
    assert answer(texts=[long], truncate="START")["embeddings"] == [embed(long[100:])]
    words = "word " * 409
    assert cohere.answer(json.dumps(GOOD | {"texts": [words, fits]}).encode(), EMBED).tokens == 409 + 512


def test_the_answers_shape() -> None:
    body = answer()
    assert list(body) == ["id", "texts", "embeddings", "response_type"]
    assert (body["texts"], body["response_type"]) == (["犬"], "embeddings_floats")
    assert body["embeddings"] == [embed("犬")]


def test_embeddings_by_type() -> None:
    body = answer(embedding_types=["float", "int8", "uint8", "binary", "ubinary"])
    assert body["response_type"] == "embeddings_by_type"
    by_type = {name: vectors[0] for name, vectors in body["embeddings"].items()}
    assert by_type["float"] == embed("犬")
    assert {name: len(vector) for name, vector in by_type.items()} == {
        "float": 1024, "int8": 1024, "uint8": 1024, "binary": 128, "ubinary": 128,
    }  # fmt: skip
    largest = max(range(1024), key=lambda place: abs(by_type["float"][place]))
    assert abs(by_type["int8"][largest]) == 127
    assert by_type["uint8"] == [value + 128 for value in by_type["int8"]]
    assert by_type["binary"] == [value - 128 for value in by_type["ubinary"]]
    assert by_type["ubinary"][0] == sum(1 << 7 - bit for bit in range(8) if by_type["float"][bit] > 0)
