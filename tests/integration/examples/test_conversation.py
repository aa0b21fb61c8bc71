"""A turn of the example's, over the real database, with a chat model as botocore's model of Bedrock knows it."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from examples.conversation import ChatModel, Conversation
from local_aws.state import REGION
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from tests.support.data_api_endpoint import KEY
from tests.support.migrated_database import MigratedDatabase


@pytest.fixture
def client() -> Any:
    return boto3.Session(KEY.id, KEY.secret, region_name=REGION).client("bedrock-runtime")


@pytest.fixture
def conversation(migrated: MigratedDatabase, client: Any) -> Conversation:
    session = boto3.Session(KEY.id, KEY.secret, region_name=REGION)
    embedder = CohereEmbedder(session.client("bedrock-runtime", endpoint_url=migrated.endpoint.url))
    return Conversation(ChatHistory(migrated.app), ChatMemory(migrated.app, embedder), ChatModel(client, "a.model"))


@pytest.fixture
def userid() -> str:
    return f"example-{uuid.uuid4()}"


def converse(stubber: Stubber, answer: str, messages: Any = ANY, system: Any = ANY) -> None:
    stubber.add_response(
        "converse",
        {
            "output": {"message": {"role": "assistant", "content": [{"text": answer}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1},
        },
        {"modelId": "a.model", "messages": messages, "system": system, "inferenceConfig": {"maxTokens": 600}},
    )


def test_the_model_is_told_what_was_recalled_and_said(conversation: Conversation, client: Any, userid: str) -> None:
    conversation.remember_samples(userid, [("料理", "えびのアレルギーがある。")])
    with Stubber(client) as bedrock:
        converse(bedrock, "気をつけます。")
        conversation.say(userid, "夕食", "えびは食べられない", 1)
        heard: list[Any] = [
            {"role": "user", "content": [{"text": "えびは食べられない"}]},
            {"role": "assistant", "content": [{"text": "気をつけます。"}]},
            {"role": "user", "content": [{"text": "えびのアレルギーのこと、覚えている?"}]},
        ]
        converse(bedrock, "はい。", messages=heard)
        said = conversation.say(userid, "夕食", heard[-1]["content"][0]["text"], 1)
        bedrock.assert_no_pending_responses()
    assert (said.chatid, said.answer, said.problem) == (2, "はい。", None)
    assert said.memories[0].summary == "えびのアレルギーがある。"
    assert [turn.botresponse for turn in conversation.turns(userid, "夕食")] == ["気をつけます。", "はい。"]


def test_a_model_that_refuses_loses_no_turn(conversation: Conversation, client: Any, userid: str) -> None:
    with Stubber(client) as bedrock:
        bedrock.add_client_error("converse", "ThrottlingException", "Too many requests")
        said = conversation.say(userid, "夕食", "こんにちは", 1)
    assert said.answer is None
    assert str(said.problem) == "a.model: ThrottlingException: Too many requests"
    [turn] = conversation.turns(userid, "夕食")
    assert (turn.userinput, turn.botresponse) == ("こんにちは", None)


def test_a_question_is_not_remembered_and_what_is_far_is_not_shown(
    conversation: Conversation, client: Any, userid: str
) -> None:
    with Stubber(client) as bedrock:
        for text in ("夜行列車が好きです。どこへ行けますか?", "夜行列車は?", "What did I say?"):
            converse(bedrock, "はい。")
            said = conversation.say(userid, "旅行", text, 10, 0.25)
    assert said.memories == []
    assert [found.summary for found in conversation.memory.recall(userid, "夜行列車")] == ["夜行列車が好きです。"]


def test_two_pages_of_one_user_lose_no_turn(conversation: Conversation, userid: str) -> None:
    conversation.history.add(userid, "夕食", 1, "first", None)
    assert conversation._keep(userid, "夕食", 1, "second", None) == 2
    assert [turn.userinput for turn in conversation.turns(userid, "夕食")] == ["first", "second"]
