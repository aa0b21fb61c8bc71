"""Requests that AWS refuses, in its words, and the shapes of what it answers."""

from __future__ import annotations

import itertools
import json
import math
import operator
from typing import Any

import pytest

from local_aws.bedrock import cohere, embedders
from local_aws.bedrock.cohere_requests import named
from local_aws.bedrock.errors import BedrockError
from local_aws.bedrock.vectors import embed

EMBED = embedders.choose("hashed").embed
V3, V4 = "cohere.embed-multilingual-v3", "cohere.embed-v4:0"
GOOD = {"texts": ["犬"], "input_type": "search_query"}


def answer(model: str = V3, **members: Any) -> dict[str, Any]:
    return cohere.answer(model, json.dumps(GOOD | members).encode(), EMBED).body


def refused(body: bytes, model: str = V3) -> str:
    with pytest.raises(BedrockError) as raised:
        cohere.answer(model, body, EMBED)
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
    assert cohere.answer(V3, json.dumps(GOOD | {"texts": [words, fits]}).encode(), EMBED).tokens == 409 + 512


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


# Of Embed v4. The Bedrock user guide, model-parameters-embed-v4: parameters, "Limits & sizing", the two responses.
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"texts": ["x"] * 97}, "#/texts: expected maximum item count: 96, found: 97"),
        ({"truncate": "END"}, "#/truncate: END is not a valid enum value"),
        ({"input_type": "image"}, "#/input_type: image is not a valid enum value"),
        ({"output_dimension": 1000}, "#/output_dimension: 1000 is not a valid enum value"),
        ({"output_dimension": "1024"}, "#/output_dimension: expected type: Integer, found: String"),
        ({"max_tokens": 0}, "#/max_tokens: 0 is not greater or equal to 1"),
        ({"dimensions": 1024}, "#: extraneous key [dimensions] is not permitted"),
    ],
)
def test_what_breaks_the_schema_of_v4(members: dict[str, Any], message: str) -> None:
    body = json.dumps(GOOD | members).encode()
    assert refused(body, V4) == f"Malformed input request: {message}, please reformat your input and try again."


def test_v3_has_none_of_the_parameters_of_v4() -> None:
    body = json.dumps(GOOD | {"output_dimension": 1024}).encode()
    assert "extraneous key [output_dimension] is not permitted" in refused(body)


@pytest.mark.parametrize(
    ("members", "dimensions"),
    [({}, 1536), ({"output_dimension": 1024}, 1024), ({"output_dimension": 256, "embedding_types": ["float"]}, 256)],
)
def test_the_answer_of_v4_and_its_dimensions(members: dict[str, Any], dimensions: int) -> None:
    body = answer(V4, **members)
    assert (list(body), body["response_type"]) == (["id", "texts", "embeddings", "response_type"], "embeddings_floats")
    [vector] = body["embeddings"]
    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1)


def test_several_types_of_v4_are_by_type() -> None:
    body = answer(V4, embedding_types=["float", "binary"], output_dimension=512)
    assert body["response_type"] == "embeddings_by_type"
    assert {name: len(vectors[0]) for name, vectors in body["embeddings"].items()} == {"float": 512, "binary": 64}


def test_v4_reads_128_000_tokens_of_all_texts_and_cuts_by_max_tokens() -> None:
    half = "犬" * 64_000
    assert answer(V4, texts=[half, half])["texts"] == [half, half]
    too_long = json.dumps(GOOD | {"texts": [half, half, "猫"]}).encode()
    assert refused(too_long, V4) == "Input is too long for requested model."
    [right], [left], [whole] = (
        answer(V4, texts=[text], output_dimension=1024, **cut)["embeddings"]
        for text, cut in (
            ("犬猫", {"truncate": "RIGHT", "max_tokens": 1}),
            ("猫犬", {"truncate": "LEFT", "max_tokens": 1}),
            ("犬", {}),
        )
    )
    assert right == left == whole


def test_vectors_of_two_models_have_nothing_in_common() -> None:
    """As of real models: of the same text, they are as far apart as those of any other."""
    texts = ["The daughter is allergic to eggs.", "娘は卵アレルギーです", "A trip to Kyoto in May"]
    by_model = {model: [answer(model, texts=[text], **(
        {"output_dimension": 1024} if model == V4 else {}))["embeddings"][0] for text in texts]
        for model in (V3, "cohere.embed-english-v3", V4)}  # fmt: skip
    for one, other in itertools.combinations(by_model.values(), 2):
        assert max(abs(sum(map(operator.mul, a, b))) for a in one for b in other) < 0.2
    assert [vector[:2] for vector in by_model[V4]] == [
        answer(V4, texts=[text], output_dimension=1024)["embeddings"][0][:2] for text in texts
    ], "the same in every call"


@pytest.mark.parametrize(
    ("name", "region", "found"),
    [
        (V3, "sa-east-1", (V3, None)),
        (V4, "ap-northeast-1", (V4, None)),
        (f"global.{V4}", "ap-northeast-1", (V4, f"global.{V4}")),
        (f"eu.{V4}", "eu-west-1", (V4, f"eu.{V4}")),
        (f"eu.{V4}", "ap-northeast-1", None),
        (f"jp.{V4}", "ap-northeast-1", None),
        (f"global.{V3}", "ap-northeast-1", None),
    ],
)
def test_profiles_and_where_they_are(name: str, region: str, found: tuple[str, str | None] | None) -> None:
    """Sources: the model's card, and the guide's page of inference profiles."""
    if found:
        assert named(name, region) == found
        return
    with pytest.raises(BedrockError) as raised:
        named(name, region)
    assert raised.value.members["message"] == "The provided model identifier is invalid."


def test_where_v4_has_profiles_alone() -> None:
    with pytest.raises(BedrockError) as raised:
        named(V4, "us-west-2")
    assert raised.value.members["message"] == (
        "Invocation of model ID cohere.embed-v4:0 with on-demand throughput isn’t supported. Retry your request with"
        " the ID or ARN of an inference profile that contains this model."
    )
