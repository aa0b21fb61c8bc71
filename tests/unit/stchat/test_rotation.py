"""What a rotation refuses before it touches anything, and the passwords that it makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from constructs_lib.aurora import UNSAFE_IN_PASSWORDS
from stchat.data_api import DataApi
from stchat.errors import RotationError
from stchat.handlers.rotation import on_rotation
from stchat.rotation.steps import ALPHABET, Rotation

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:st.chat.app-AbCdEf"
MASTER_ARN = "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:st.chat-GhIjKl"
OLD, NEW = "0" * 32, "1" * 32
LOGIN = {"username": "st_chat_app", "password": "kept", "host": "h", "port": 5432, "dbname": "st_chat_db"}


@dataclass
class Secret:
    """A secret in the state that the test gives; what is not asked for in this order is refused."""

    rotation: Rotation
    stub: Stubber

    def holds(self, text: str, version: str = OLD) -> None:
        self.stub.add_response("get_secret_value", {"VersionId": version, "SecretString": text})


Make = Callable[..., Secret]


@pytest.fixture(scope="module")
def client() -> SecretsManagerClient:
    return boto3.client(
        "secretsmanager", region_name="ap-northeast-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture
def secret(client: SecretsManagerClient) -> Iterator[Make]:
    """`secret(labels by version, enabled=True)`."""
    master = DataApi(cast(Any, None), "cluster", MASTER_ARN, "postgres")
    with Stubber(client) as stub:

        def make(labels: dict[str, list[str]], *, enabled: bool = True) -> Secret:
            stub.add_response("describe_secret", {"RotationEnabled": enabled, "VersionIdsToStages": labels})
            return Secret(Rotation(client, master, ARN, NEW), stub)

        yield make


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_a_secret_without_rotation(secret: Make, step: str) -> None:
    made = secret({OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}, enabled=False)
    with pytest.raises(RotationError) as error:
        made.rotation.run(step)
    assert str(error.value) == f"secret {ARN} has no rotation: deploy with rotate_secrets_every set"


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
@pytest.mark.parametrize(
    ("labels", "got"), [({}, "no label"), ({NEW: ["AWSPREVIOUS"]}, "AWSPREVIOUS")], ids=["unknown", "previous"]
)
def test_a_version_that_nobody_rotates_to(secret: Make, step: str, labels: dict[str, list[str]], got: str) -> None:
    with pytest.raises(RotationError) as error:
        secret({OLD: ["AWSCURRENT"]} | labels).rotation.run(step)
    assert str(error.value) == (
        f"version {NEW} of secret {ARN} must be AWSPENDING, got {got}: start with aws secretsmanager rotate-secret"
    )


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret"])
def test_a_version_that_is_current_already_needs_nothing(secret: Make, step: str) -> None:
    made = secret({NEW: ["AWSCURRENT", "AWSPENDING"], OLD: ["AWSPREVIOUS"]})
    made.rotation.run(step)
    made.stub.assert_no_pending_responses()


def test_an_unknown_step(secret: Make) -> None:
    with pytest.raises(RotationError) as error:
        secret({}).rotation.run("create_secret")
    assert str(error.value) == (
        "step must be one of createSecret, setSecret, testSecret, finishSecret, got 'create_secret'"
    )


@pytest.mark.parametrize("missing", ["SecretId", "ClientRequestToken", "Step"])
def test_an_event_of_somebody_else(missing: str) -> None:
    event = {"SecretId": ARN, "ClientRequestToken": NEW, "Step": "createSecret"}
    del event[missing]
    with pytest.raises(RotationError) as error:
        on_rotation(event, None)
    assert str(error.value) == f"the event must be Secrets Manager's, got one without '{missing}'"


@pytest.mark.parametrize("step", ["testSecret", "finishSecret"])
def test_a_step_before_the_version_holds_anything(secret: Make, step: str) -> None:
    made = secret({OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]})
    made.stub.add_client_error("get_secret_value", "ResourceNotFoundException")
    with pytest.raises(RotationError) as error:
        made.rotation.run(step)
    assert str(error.value) == f"version {NEW} of secret {ARN} is empty: createSecret comes first"


@pytest.mark.parametrize(
    "text",
    [
        "s3cret!",
        '["s3cret!"]',
        '"s3cret!"',
        '{"password": "s3cret!"}',
        '{"username": "st_chat_app", "password": ""}',
        '{"username": "a; DROP TABLE t", "password": "s3cret!"}',
        '{"username": null, "password": "s3cret!"}',
    ],
)
def test_a_secret_of_another_kind(secret: Make, text: str) -> None:
    made = secret({OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]})
    made.holds(text)
    with pytest.raises(RotationError) as error:
        made.rotation.run("createSecret")
    assert str(error.value) == (
        f"version {OLD} of secret {ARN} must be JSON with a username of lower-case letters, digits and _, and a"
        " password: put that back with aws secretsmanager put-secret-value"
    )
    assert error.value.__context__ is None  # a chained error could show the value


def test_only_the_password_is_new_and_it_needs_no_escape(secret: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[dict[str, Any]] = []
    made = secret({OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]})
    monkeypatch.setattr(made.rotation.secrets, "put_secret_value", lambda **arguments: put.append(arguments))
    made.holds(json.dumps(LOGIN))
    made.stub.add_client_error("get_secret_value", "ResourceNotFoundException")
    made.rotation.run("createSecret")
    [arguments] = put
    value = json.loads(arguments.pop("SecretString"))
    assert arguments == {"SecretId": ARN, "ClientRequestToken": NEW, "VersionStages": ["AWSPENDING"]}
    assert value | {"password": "kept"} == LOGIN
    assert len(value["password"]) == 32
    assert set(value["password"]) <= set(ALPHABET)
    assert not set(ALPHABET) & set(UNSAFE_IN_PASSWORDS)
