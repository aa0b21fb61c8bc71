"""A control plane that fails is one to ask again: it says nothing about what is there."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from local_aws.credentials import AccessKey
from local_aws.data_api.control_plane import ControlPlane, is_failure

ARN = "arn:aws:secretsmanager:ap-northeast-1:000000000000:secret:st.chat-abcdef"
KEY = AccessKey("AKIALOCAL", "secret")


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    client = boto3.client("secretsmanager", "ap-northeast-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(ControlPlane, "_client", lambda *_: client)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def secrets() -> list[dict[str, Any]]:
    return list(ControlPlane("http://127.0.0.1:1", KEY)._secrets("ap-northeast-1", "0" * 12, None))


def test_a_failure_does_not_make_a_secret_look_missing(secrets_manager: Stubber) -> None:
    secrets_manager.add_response("list_secrets", {"SecretList": [{"ARN": ARN}]})
    secrets_manager.add_client_error("get_secret_value", "InternalFailure", http_status_code=500)
    with pytest.raises(ClientError) as failed:
        secrets()
    assert is_failure(failed.value)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidRequestException"])
def test_a_secret_without_a_value_is_passed_over(secrets_manager: Stubber, code: str) -> None:
    secrets_manager.add_response("list_secrets", {"SecretList": [{"ARN": ARN}, {"ARN": ARN}]})
    secrets_manager.add_client_error("get_secret_value", code, http_status_code=400)
    secrets_manager.add_response("get_secret_value", {"SecretString": '{"username": "stchat"}'})
    assert secrets() == [{"username": "stchat"}]


def test_a_secret_that_is_asked_for_is_not_said_to_be_missing(secrets_manager: Stubber) -> None:
    secrets_manager.add_client_error("get_secret_value", "InternalFailure", http_status_code=503)
    with pytest.raises(ClientError):
        ControlPlane("http://127.0.0.1:1", KEY).secret(ARN, "ap-northeast-1", "0" * 12)
