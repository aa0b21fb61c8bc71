"""Bedrock Runtime beside the Data API, as boto3 meets it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.state import REGION
from tests.support.data_api_endpoint import KEY, Endpoint

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

MODEL = "cohere.embed-multilingual-v3"
CANARY = "a-text-that-no-log-may-have"


@pytest.fixture
def bedrock(endpoint: Endpoint) -> Iterator[BedrockRuntimeClient]:
    session = boto3.Session(KEY.id, KEY.secret, region_name=REGION)
    yield session.client("bedrock-runtime", endpoint_url=endpoint.url, config=Config(retries={"total_max_attempts": 1}))
    endpoint.clear_faults()


def embed(bedrock: BedrockRuntimeClient, model: str = MODEL, **members: Any) -> Any:
    body = {"texts": [CANARY], "input_type": "search_query"} | members
    return bedrock.invoke_model(modelId=model, body=json.dumps(body))


def test_a_call(bedrock: BedrockRuntimeClient) -> None:
    answer = embed(bedrock)
    assert answer["contentType"] == "application/json"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"] == "13"
    [vector] = json.loads(answer["body"].read())["embeddings"]
    assert len(vector) == 1024


@pytest.mark.parametrize(
    "model",
    [
        "cohere.embed-english-v3",
        f"arn:aws:bedrock:{REGION}::foundation-model/cohere.embed-multilingual-v3",
        "cohere.embed-v4:0",
        "global.cohere.embed-v4:0",
        f"arn:aws:bedrock:{REGION}:000000000000:inference-profile/global.cohere.embed-v4:0",
    ],
)
def test_models_by_id_and_by_arn(bedrock: BedrockRuntimeClient, model: str) -> None:
    assert embed(bedrock, model)["body"].read()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("cohere.embed-multilingual-v9", "The provided model identifier is invalid."),
        ("arn:aws:bedrock:nowhere", "The provided model identifier is invalid."),
        ("not a model", "1 validation error detected: Value at 'modelId' failed to satisfy constraint: Member must "),
    ],
)
def test_models_that_are_not_there(bedrock: BedrockRuntimeClient, model: str, message: str) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException) as raised:
        embed(bedrock, model)
    assert raised.value.response["Error"]["Message"].startswith(message)


def test_what_the_model_refuses(bedrock: BedrockRuntimeClient) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException, match="expected maximum item count: 96, found: 97"):
        embed(bedrock, texts=["x"] * 97)
    with pytest.raises(bedrock.exceptions.ValidationException, match="Malformed input request, please reformat"):
        bedrock.invoke_model(modelId=MODEL, body=b"x" * 6_000_000)
    with pytest.raises(bedrock.exceptions.ValidationException, match=r"'trace' failed .* enum value set: "):
        bedrock.invoke_model(modelId=MODEL, body=b"{}", trace="MAYBE")  # type: ignore[arg-type]


def test_no_caller_is_refused(endpoint: Endpoint) -> None:
    request = urllib.request.Request(f"{endpoint.url}/model/{MODEL}/invoke", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=5)
    assert raised.value.code == 403
    assert raised.value.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("rule", "code", "status"),
    [
        ({"kind": "throttle"}, "ThrottlingException", 429),
        ({"kind": "error_before"}, "InternalServerException", 500),
        ({"kind": "error_after", "error": "ServiceUnavailableException"}, "ServiceUnavailableException", 503),
        ({"kind": "error_before", "error": "ModelTimeoutException"}, "ModelTimeoutException", 408),
    ],
)
def test_faults(endpoint: Endpoint, bedrock: BedrockRuntimeClient, rule: Any, code: str, status: int) -> None:
    endpoint.add_fault(**rule, operation="InvokeModel", sql="multilingual")
    assert embed(bedrock, "cohere.embed-english-v3")["body"].read()
    with pytest.raises(ClientError) as raised:
        embed(bedrock)
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert embed(bedrock)["body"].read()


def test_the_log_says_what_it_is_and_shows_no_text(endpoint: Endpoint, bedrock: BedrockRuntimeClient) -> None:
    embed(bedrock)
    log = (endpoint.directory / "endpoint.log").read_text()
    assert "vectors of hashed words and character n-grams, no language model" in log
    assert f" InvokeModel {MODEL} " in log
    assert CANARY not in log
