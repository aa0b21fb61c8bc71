"""What the application reads from its environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stchat import DataApi
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.environment import ApplicationSettings
from stchat.errors import SettingsError

CLUSTER = "arn:aws:rds:ap-northeast-1:123456789012:cluster:chat"
SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:app-AbCdEf"
ENVIRONMENT = {"STCHAT_CLUSTER_ARN": CLUSTER, "STCHAT_APP_SECRET_ARN": SECRET, "STCHAT_DATABASE": "chat"}


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")


@pytest.mark.parametrize("missing", ENVIRONMENT)
def test_what_is_missing_is_named(missing: str) -> None:
    environment = ENVIRONMENT | {missing: "", "STCHAT_SECRET_ARN": "the master's, which no application uses"}
    for kind in (ChatHistory, ChatMemory):
        with pytest.raises(SettingsError) as raised:
            kind.from_env(environment)
        assert str(raised.value) == (
            f'{missing} is not set: run eval "$(local-aws env)", or take it from the outputs of the stacks'
        )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("dbclusterstchat", "dbclusterstchat"),
        (SECRET, SECRET),
        ("a\nb", "text of 3 characters"),
        (CLUSTER.replace("-1:", " 1:"), "arn:aws:rds:ap-northeast 1:123456789012:cluster:chat"),
        (CLUSTER.replace("123456789012", "1"), "arn:aws:rds:ap-northeast-1:1:cluster:chat"),
        (f"{CLUSTER}{'x' * 200}", "text of 252 characters"),
    ],
)
def test_what_is_no_clusters_arn_is_named(value: str, shown: str) -> None:
    with pytest.raises(SettingsError) as raised:
        ChatHistory.from_env(ENVIRONMENT | {"STCHAT_CLUSTER_ARN": value})
    assert str(raised.value) == (
        "STCHAT_CLUSTER_ARN must be like arn:aws:rds:ap-northeast-1:123456789012:cluster:name, got"
        f" {shown}: take it from the outputs of the stacks"
    )


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "STCHAT_APP_SECRET_ARN",
            "a-password",
            "must be a secret's ARN, or its name of 11 characters or more, got text of 10 characters: take it from the"
            " outputs of the stacks",
        ),
        (
            "STCHAT_DATABASE",
            "x" * 64,
            f"must be a database's name, of at most 63 bytes, got {'x' * 64} of 64 bytes: take it from the outputs of"
            " the stacks",
        ),
        (
            "STCHAT_EMBEDDING_REGION",
            "Tokyo",
            "must be a region like ap-northeast-1, got Tokyo: unset it for the region of STCHAT_CLUSTER_ARN",
        ),
        (
            "STCHAT_EMBEDDING_MODEL",
            "titan",
            "must be the id or the ARN of one of cohere.embed-multilingual-v3, cohere.embed-english-v3,"
            " cohere.embed-v4:0, us.cohere.embed-v4:0, eu.cohere.embed-v4:0, global.cohere.embed-v4:0, got titan:"
            " another model needs a class of its own with the methods of Embedder (stchat/chat/embeddings.py)",
        ),
    ],
)
def test_what_aws_would_refuse_is_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        ChatMemory.from_env(ENVIRONMENT | {variable: value})
    assert str(raised.value) == f"{variable} {message}"


def test_the_applications_own_secret_is_used() -> None:
    api = ChatHistory.from_env(ENVIRONMENT).api
    assert isinstance(api, DataApi)
    assert (api.cluster_arn, api.secret_arn, api.database) == (CLUSTER, SECRET, "chat")


def test_the_model_is_cohere_unless_set_and_its_client_is_made_when_needed() -> None:
    assert ChatMemory.from_env(ENVIRONMENT).embedder == CohereEmbedder(
        None, "cohere.embed-multilingual-v3", region="ap-northeast-1"
    )
    another = ENVIRONMENT | {"STCHAT_EMBEDDING_MODEL": "cohere.embed-english-v3"}
    assert ChatMemory.from_env(another).embedder == CohereEmbedder(
        None, "cohere.embed-english-v3", region="ap-northeast-1"
    )


def test_days_after_which_they_expire() -> None:
    both = ENVIRONMENT | {"STCHAT_MEMORY_DAYS": "365", "STCHAT_HISTORY_DAYS": "90"}
    assert ChatMemory.from_env(both).expires_after == timedelta(days=365)
    assert ChatHistory.from_env(both).expires_after == timedelta(days=90)
    assert ChatMemory.from_env(ENVIRONMENT).expires_after is ChatHistory.from_env(ENVIRONMENT).expires_after is None
    settings = ApplicationSettings.from_environment(both)
    assert ApplicationSettings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize("days", ["0", "36501", "-1", "1.5", "ten", "٣"])
def test_no_number_of_days(days: str) -> None:
    with pytest.raises(SettingsError) as raised:
        ChatMemory.from_env(ENVIRONMENT | {"STCHAT_MEMORY_DAYS": days})
    assert str(raised.value) == (
        f"STCHAT_MEMORY_DAYS must be a number of days from 1 to 36,500, got {days!r}: or unset it"
    )


@pytest.mark.parametrize(
    ("more", "region"),
    [
        ({}, "eu-west-1"),
        ({"STCHAT_EMBEDDING_REGION": "us-east-1"}, "us-east-1"),
        ({"STCHAT_EMBEDDING_MODEL": "arn:aws:bedrock:us-east-2::foundation-model/cohere.embed-v4:0"}, "us-east-2"),
    ],
)
def test_where_the_model_is_asked(more: dict[str, str], region: str) -> None:
    cluster = {"STCHAT_CLUSTER_ARN": "arn:aws:rds:eu-west-1:111122223333:cluster:c"}
    settings = ApplicationSettings.from_environment(ENVIRONMENT | cluster | more)
    assert settings.bedrock_region == region
    assert ApplicationSettings.from_environment(settings.to_environment()) == settings
