"""Bedrock Runtime's Converse on the local AWS, as boto3 meets it: an answer that no model wrote, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.bedrock import LOCAL_MODEL
from local_aws.state import REGION
from tests.support.data_api_endpoint import Endpoint

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

CANARY = "a-text-that-no-log-shows"


@pytest.fixture
def bedrock(endpoint: Endpoint) -> Iterator[BedrockRuntimeClient]:
    session = boto3.Session("test", "test", region_name=REGION)
    yield session.client("bedrock-runtime", endpoint_url=endpoint.url, config=Config(retries={"total_max_attempts": 1}))
    endpoint.clear_faults()


def message(text: str, role: str = "user") -> Any:
    return {"role": role, "content": [{"text": text}]}


def converse(bedrock: BedrockRuntimeClient, *messages: Any, model: str = LOCAL_MODEL, **members: Any) -> Any:
    return bedrock.converse(modelId=model, messages=messages or [message(CANARY)], **members)


def test_what_the_system_prompt_lists_is_the_answer(bedrock: BedrockRuntimeClient) -> None:
    system = [{"text": "What this user said before:\n- likes tea\n- is allergic to eggs\n- a third\n- a fourth"}]
    answer = converse(bedrock, message("What do I like?"), system=system)
    assert answer["output"]["message"] == message(
        "What you told me before that comes closest:\n\n- likes tea\n- is allergic to eggs\n- a third\n\n"
        "*This is the local Bedrock: no language model, it lists the memories that were recalled.*",
        "assistant",
    )
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 20


def test_in_the_language_of_the_question(bedrock: BedrockRuntimeClient) -> None:
    answer = converse(bedrock, message("hello"), message("hi", "assistant"), message("何が好き?"))
    assert answer["output"]["message"]["content"][0]["text"] == (
        "関係のありそうなことは、まだ伺っていません。\n\n"
        "*ローカルの Bedrock の応答です。言語モデルではなく、検索された記憶を並べています。*"
    )


def test_an_answer_ends_where_the_caller_says(bedrock: BedrockRuntimeClient) -> None:
    short = converse(bedrock, inferenceConfig={"maxTokens": 3})
    assert (short["stopReason"], short["usage"]["outputTokens"]) == ("max_tokens", 3)
    stopped = converse(bedrock, inferenceConfig={"stopSequences": [" anything"]})
    assert stopped["output"]["message"]["content"][0]["text"] == "You have not told me"
    assert stopped["stopReason"] == "stop_sequence"


@pytest.mark.parametrize(
    "model",
    [
        "amazon.nova-lite-v1:0",
        "apac.anthropic.claude-sonnet-4-20250514-v1:0",
        f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-lite-v1:0",
    ],
)
def test_ids_of_awss_chat_models_are_taken(bedrock: BedrockRuntimeClient, model: str) -> None:
    assert converse(bedrock, model=model)["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("example.no-such-model-v1", "The provided model identifier is invalid."),
        (
            "cohere.embed-multilingual-v3",
            "This action doesn't support the model that you provided. Try again with a supported text or chat model"
            " that supports Converse.",
        ),
    ],
)
def test_models_that_do_not_converse(bedrock: BedrockRuntimeClient, model: str, expected: str) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException) as raised:
        converse(bedrock, model=model)
    assert raised.value.response["Error"]["Message"] == expected


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([message("x", "assistant")], "A conversation must start with a user message. Try again with a conversation"),
        ([message("x"), message("y")], "A conversation must alternate between user and assistant roles. Make sure"),
        ([message("x"), message("y", "assistant")], "The local Bedrock does not continue an assistant's message"),
        ([message("x", "system")], "A conversation must start with a user message."),
        ([message(" ")], "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to"),
        ([{"role": "user", "content": []}], "The content field in the Message object at messages.0 is empty."),
        (
            [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": b"x"}}}]}],
            "The local Bedrock converses in text alone: no images, documents or tools.",
        ),
    ],
)
def test_conversations_that_are_refused(bedrock: BedrockRuntimeClient, messages: list[Any], expected: str) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException) as raised:
        converse(bedrock, *messages)
    assert raised.value.response["Error"]["Message"].startswith(expected)


@pytest.mark.parametrize("error", ["ThrottlingException", "ModelTimeoutException", "AccessDeniedException"])
def test_faults(endpoint: Endpoint, bedrock: BedrockRuntimeClient, error: str) -> None:
    endpoint.add_fault(kind="error_before", operation="Converse", error=error)
    with pytest.raises(ClientError) as raised:
        converse(bedrock)
    assert raised.value.response["Error"]["Code"] == error
    assert converse(bedrock)


def test_the_log_shows_no_text(endpoint: Endpoint, bedrock: BedrockRuntimeClient) -> None:
    converse(bedrock, system=[{"text": f"- {CANARY}"}])
    log = (endpoint.directory / "endpoint.log").read_text()
    assert f" Converse {LOCAL_MODEL} " in log
    assert CANARY not in log
