"""CohereEmbedder against Bedrock's own shapes, as botocore's model of the service checks them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from stchat.chat.embeddings import CohereEmbedder, Embedded
from stchat.chat.memory import ChatMemory
from stchat.chat.vectors import Vector
from stchat.embedding_models import parse
from stchat.errors import EmbeddingError, EmbeddingUnavailableError, SettingsError
from stchat.ops.embedding_move import Models

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

MODEL = "cohere.embed-multilingual-v3"
TOO_LONG = "Input is too long for requested model"
SECRET = "a-text-that-no-log-may-have"


def vector(first: float = 2.0) -> list[float]:
    return [first, *[0.0] * 1023]


class Bedrock:
    """What is asked, in order, and what is answered."""

    def __init__(self) -> None:
        session = boto3.Session("test", "test", region_name="ap-northeast-1")
        self.client: BedrockRuntimeClient = session.client("bedrock-runtime")
        self.stubber = Stubber(self.client)
        self.stubber.activate()
        self.embedder = CohereEmbedder(self.client, timeout=20)
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def answers(
        self, texts: list[str], *, truncate: str = "NONE", kind: str = "search_document", body: Any = None
    ) -> None:
        if body is None:
            body = {"id": "1", "texts": texts, "embeddings": [vector(len(text)) for text in texts]}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = {"body": StreamingBody(io.BytesIO(raw), len(raw)), "contentType": "application/json"}
        self.stubber.add_response("invoke_model", answer, self.request(texts, truncate, kind))

    def fails(self, code: str, status: int, message: str = "m", texts: list[str] | None = None, **more: str) -> None:
        self.stubber.add_client_error(
            "invoke_model", code, message, status, expected_params=self.request(texts, **more) if texts else None
        )

    @staticmethod
    def request(texts: list[str], truncate: str = "NONE", kind: str = "search_document") -> dict[str, Any]:
        body = json.dumps({"texts": texts, "input_type": kind, "truncate": truncate})
        return {"modelId": MODEL, "body": body, "contentType": "application/json", "accept": "application/json"}


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bedrock]:
    there = Bedrock()
    clock = SimpleNamespace(monotonic=lambda: there.now, sleep=there.sleep)
    # In that module alone: threads that other tests left would move the clock.
    monkeypatch.setattr(import_module("stchat.data_api.retry"), "time", clock)
    yield there
    there.stubber.assert_no_pending_responses()


def test_documents_and_queries_have_their_own_type_and_length_1(bedrock: Bedrock) -> None:
    bedrock.answers(["a", "bb"])
    assert bedrock.embedder.documents(["a", "bb"]) == Embedded([vector(1.0), vector(1.0)], truncated=[])
    bedrock.answers(["a"], kind="search_query")
    assert bedrock.embedder.query("a") == vector(1.0)


def test_no_texts_are_no_call(bedrock: Bedrock) -> None:
    assert bedrock.embedder.documents([]) == Embedded([], [])


def test_96_texts_a_call(bedrock: Bedrock) -> None:
    texts = [str(number) for number in range(200)]
    for start, end in ((0, 96), (96, 192), (192, 200)):
        bedrock.answers(texts[start:end])
    assert len(bedrock.embedder.documents(texts).vectors) == 200


def test_2048_characters_a_text_and_the_truncation_is_reported(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture
) -> None:
    whole, long = "x" * 2048, SECRET + "😀" * 2048
    bedrock.answers([whole, long[:2048]])
    assert bedrock.embedder.documents([whole, long]).truncated == [1]
    assert caplog.messages == [f"{MODEL} may have read 1 of 2 texts in part: they are long"]
    bedrock.answers([long[:2048]], kind="search_query")
    bedrock.embedder.query(long)
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    ("texts", "truncated"),
    [
        (["a", "い" * 501, "b", "x" * 2048, "い" * 500], [1, 3]),
        (["い" * 501], [0]),
        (["refused", "for whatever"], [0, 1]),
    ],
    ids=range(3),
)
def test_what_the_model_refuses_for_its_tokens_is_ended_by_it(
    bedrock: Bedrock, texts: list[str], truncated: list[int]
) -> None:
    """The refusal names no text: all long ones are reported as truncated, the others were read to their end."""
    bedrock.fails("ValidationException", 400, TOO_LONG, texts)
    bedrock.answers(texts, truncate="END")
    assert bedrock.embedder.documents(texts).truncated == truncated


def test_a_text_that_is_refused_even_when_ended(bedrock: Bedrock) -> None:
    for truncate in ("NONE", "END"):
        bedrock.fails("ValidationException", 400, TOO_LONG, ["x"], truncate=truncate)
    with pytest.raises(EmbeddingError, match=TOO_LONG):
        bedrock.embedder.documents(["x"])


PASSING = [
    ("ThrottlingException", 429),
    ("ModelNotReadyException", 429),
    ("ModelTimeoutException", 408),
    ("InternalServerException", 500),
    ("ServiceUnavailableException", 503),
]


@pytest.mark.parametrize(("code", "status"), PASSING)
def test_what_passes_is_tried_again(bedrock: Bedrock, code: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "stchat")
    for _ in range(3):
        bedrock.fails(code, status)
    bedrock.answers([SECRET])
    assert len(bedrock.embedder.documents([SECRET]).vectors) == 1
    assert caplog.messages[0] == f"waiting for Bedrock, 0 s so far: {code}: m"
    assert SECRET not in caplog.text


def test_patience_ends(bedrock: Bedrock) -> None:
    for _ in range(4):
        bedrock.fails("ThrottlingException", 429, "Too many requests")
    with pytest.raises(EmbeddingUnavailableError, match="ThrottlingException: Too many requests") as raised:
        bedrock.embedder.with_timeout(1.0).documents(["x"])
    assert raised.value.code == "ThrottlingException"
    assert bedrock.now <= 1


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="u"), EndpointConnectionError(endpoint_url="u")])
def test_no_answer_is_tried_again(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    answers = iter([error])
    real = bedrock.client.invoke_model

    def invoke(**arguments: Any) -> Any:
        for failure in answers:
            raise failure
        return real(**arguments)

    monkeypatch.setattr(bedrock.client, "invoke_model", invoke)
    bedrock.answers(["x"])
    assert len(bedrock.embedder.documents(["x"]).vectors) == 1


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("AccessDeniedException", 403, "AccessDeniedException: m: the caller's role needs bedrock:InvokeModel on the"
         " model, and the account access to it"),
        ("ResourceNotFoundException", 404, "ResourceNotFoundException: m: STCHAT_EMBEDDING_MODEL must name a model that"
         " this region has, got cohere.embed-multilingual-v3"),
        ("ValidationException", 400, "ValidationException: m"),
    ],
)  # fmt: skip
def test_what_does_not_pass_is_raised_at_once(bedrock: Bedrock, code: str, status: int, message: str) -> None:
    bedrock.fails(code, status)
    with pytest.raises(EmbeddingError) as raised:
        bedrock.embedder.documents(["x"])
    assert str(raised.value) == message
    assert type(raised.value) is EmbeddingError


def test_embeddings_by_type_are_read_too(bedrock: Bedrock) -> None:
    bedrock.answers(["x"], body={"embeddings": {"float": [vector()]}, "response_type": "embeddings_by_type"})
    assert bedrock.embedder.documents(["x"]).vectors == [vector(1.0)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "the model's response holds no embedding: JSONDecodeError"),
        ({}, "the model's response holds no embedding: KeyError"),
        ({"embeddings": [[1.0]]}, "the model's response holds no embedding: InputError: vector must have 1,024 dim"),
        (
            {"embeddings": [vector(math.nan)]},
            "the model's response holds no embedding: InputError: vector must be finite",
        ),
        (
            {"embeddings": [vector(0)]},
            "the model's response holds no embedding: InputError: vector must have a number other",
        ),
        ({"embeddings": [vector(), vector()]}, "the model must return a vector for each text, got 2 for 1"),
    ],
    ids=range(6),
)
def test_what_is_no_embedding(bedrock: Bedrock, body: Any, message: str) -> None:
    bedrock.answers(["x"], body=body)
    with pytest.raises(EmbeddingError) as raised:
        bedrock.embedder.documents(["x"])
    assert str(raised.value).startswith(message)


class Other:
    """A model with other vectors."""

    model, dimensions = "other", 1536

    def documents(self, _: object) -> Embedded:
        raise AssertionError

    def query(self, _: str) -> Vector:
        raise AssertionError

    def with_timeout(self, _: float) -> Other:
        return self


def test_a_model_of_another_dimension_is_refused_before_any_call() -> None:
    with pytest.raises(SettingsError) as raised:
        ChatMemory(None, Other())  # type: ignore[arg-type]
    assert str(raised.value) == (
        "the embedder must have the 1024 dimensions of st_chat_history_vector_table.chat_vector, got 1536:"
        " use a model that has them, or request that many of it"
    )


V4 = "global.cohere.embed-v4:0"


def v4_request(texts: list[str], truncate: str = "NONE") -> dict[str, Any]:
    """As the Bedrock user guide has it, model-parameters-embed-v4."""
    body: dict[str, Any] = {"texts": texts, "input_type": "search_document", "truncate": truncate}
    body |= {"embedding_types": ["float"], "output_dimension": 1024}
    return Bedrock.request(texts) | {"modelId": V4, "body": json.dumps(body)}


def v4_answers(bedrock: Bedrock, texts: list[str], truncate: str = "NONE") -> None:
    raw = json.dumps({"embeddings": [vector() for _ in texts], "response_type": "embeddings_floats"}).encode()
    answer = {"body": StreamingBody(io.BytesIO(raw), len(raw)), "contentType": "application/json"}
    bedrock.stubber.add_response("invoke_model", answer, v4_request(texts, truncate))


def test_v4_takes_128_000_characters_a_call_and_truncates_on_the_right(bedrock: Bedrock) -> None:
    embedder = CohereEmbedder(bedrock.client, V4, timeout=20)
    assert (embedder.model, embedder.dimensions) == ("cohere.embed-v4:0", 1024)
    long, short = "い" * 128_000, "い" * 3_000
    for texts in ([short], [long], [short]):
        v4_answers(bedrock, texts)
    assert embedder.documents([short, long + "ろ", short]).truncated == [1]
    bedrock.stubber.add_client_error("invoke_model", "ValidationException", TOO_LONG, 400, expected_params=None)
    v4_answers(bedrock, [long], "RIGHT")
    assert embedder.documents([long]).truncated == [0]


def test_a_region_that_has_the_model_by_a_profile_alone(bedrock: Bedrock) -> None:
    bedrock.fails("ValidationException", 400, "Invocation of model ID m with on-demand throughput isn't supported.")
    with pytest.raises(EmbeddingError) as raised:
        bedrock.embedder.query("x")
    assert str(raised.value).endswith(
        "this region has the model by an inference profile: STCHAT_EMBEDDING_MODEL=global.cohere.embed-v4:0"
    )


@pytest.mark.parametrize(
    ("model_id", "model", "region"),
    [
        (V4, "cohere.embed-v4:0", None),
        ("arn:aws:bedrock:us-east-1::foundation-model/cohere.embed-v4:0", "cohere.embed-v4:0", "us-east-1"),
        (f"arn:aws:bedrock:eu-west-1:{'1' * 12}:inference-profile/eu.{V4[7:]}", "cohere.embed-v4:0", "eu-west-1"),
    ],
)  # fmt: skip
def test_a_profile_and_an_arn_name_the_model(model_id: str, model: str, region: str | None) -> None:
    assert (CohereEmbedder(model_id=model_id).model, parse(model_id).region) == (model, region)


@pytest.mark.parametrize(
    "model_id",
    [
        "cohere.embed-v9",
        "jp.cohere.embed-v4:0",
        "us.cohere.embed-english-v3",
        "arn:aws:bedrock:us-east-1::foundation-model/us.cohere.embed-v4:0",
        "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc",
    ],
)
def test_what_names_no_model_that_is_known(model_id: str) -> None:
    with pytest.raises(SettingsError) as raised:
        CohereEmbedder(model_id=model_id)
    assert str(raised.value) == (
        "STCHAT_EMBEDDING_MODEL must be the id or the ARN of one of cohere.embed-multilingual-v3,"
        " cohere.embed-english-v3, cohere.embed-v4:0, us.cohere.embed-v4:0, eu.cohere.embed-v4:0,"
        f" global.cohere.embed-v4:0, got {model_id}: another model needs a class of its own with the methods of"
        " Embedder (stchat/chat/embeddings.py)"
    )


@pytest.mark.parametrize(
    ("rows", "second", "left"),
    [
        ({"v3": 140}, {}, "v3"),
        ({"v3": 140, "v4": 9}, {"v4": 140}, "v3"),
        ({"v4": 140, "v3": 1}, {"english": 140}, "v4"),  # one writer with another setting decides nothing
        ({}, {}, None),
    ],
)
def test_which_model_memories_move_away_from(rows: dict[str, int], second: dict[str, int], left: str | None) -> None:
    assert Models(rows, second).left == left
