"""Rotations on a real PostgreSQL: beside callers, beside a deploy, of a cluster that sleeps, and as a Lambda."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local_aws.state import REPOSITORY
from stchat.errors import StchatError, UnavailableError
from stchat.schema.roles import set_role_passwords
from tests.support.rotating_secrets import STEPS, RotatingSecrets

ROTATIONS = 6


@pytest.mark.parametrize("who", ["master", "role"])
def test_the_password_changes_and_nothing_else(rotating: RotatingSecrets, who: str) -> None:
    secret = getattr(rotating, who)
    old = rotating.login(secret)
    rotating.rotate(secret)
    new = rotating.login(secret)
    assert new | {"password": old["password"]} == old
    assert rotating.opens(new)
    assert not rotating.opens(old)
    assert rotating.login(secret, "AWSPREVIOUS") == old
    assert "AWSPENDING" not in rotating.labels(secret)


def test_steps_may_be_repeated_at_any_time(rotating: RotatingSecrets) -> None:
    for secret in (rotating.master, rotating.role):
        token = rotating.begin(secret)
        made = set()
        for last in range(1, len(STEPS) + 1):
            rotation = rotating.rotation(secret, token)
            for step in STEPS[:last] * 2:
                rotation.run(step)
            made.add(rotating.secrets.get_secret_value(SecretId=secret, VersionId=token)["SecretString"])
        rotating.end(secret, token)
        assert len(made) == 1
        assert rotating.opens(json.loads(made.pop()))


def test_callers_see_nothing_of_rotations(rotating: RotatingSecrets, caplog: pytest.LogCaptureFixture) -> None:
    """Four callers without a pause. In each rotation's worst moment, every session of the role is ended: all log in
    anew while the password has changed and AWSCURRENT has not."""
    caplog.set_level(logging.INFO, "stchat.data_api")
    stop = threading.Event()

    def call(secret: str, database: str) -> int:
        api = rotating.api(secret, database, timeout=30)
        count = 0
        while not stop.is_set():
            assert api.execute("SELECT 1 AS one", idempotent=True).rows == [{"one": 1}]
            count += 1
        return count

    def worst_moment(**_: Any) -> None:
        rotating.end_sessions(secret)
        time.sleep(0.1)

    event = "before-call.secrets-manager.UpdateSecretVersionStage"
    rotating.secrets.meta.events.register(event, worst_moment)
    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(call, rotating.master, "postgres") for _ in range(2)]
        callers += [pool.submit(call, rotating.role, "chat") for _ in range(2)]
        try:
            for number in range(ROTATIONS):
                secret = (rotating.role, rotating.master)[number % 2]
                old = rotating.login(secret)
                rotating.rotate(secret, timeout=5)
                assert not rotating.opens(old)
        finally:
            stop.set()
            rotating.secrets.meta.events.unregister(event, worst_moment)
    assert min(caller.result() for caller in callers) > ROTATIONS
    refused = [record for record in caplog.records if "password authentication failed" in record.getMessage()]
    assert len(refused) >= ROTATIONS  # the moment was met, and waited out


def test_master_and_role_rotate_at_once(rotating: RotatingSecrets) -> None:
    """As they do when they are deployed: the role's rotation logs in as the master, whose password is changing."""
    for _ in range(3):
        old = [rotating.login(secret) for secret in (rotating.master, rotating.role)]
        with ThreadPoolExecutor(2) as pool:
            rotations = [
                pool.submit(rotating.rotate, secret, timeout=10) for secret in (rotating.master, rotating.role)
            ]
        assert [rotation.result() for rotation in rotations] == [None, None]
        assert [rotating.opens(login) for login in old] == [False, False]
        assert rotating.opens(rotating.login(rotating.master)) and rotating.opens(rotating.login(rotating.role))


def test_a_cluster_that_sleeps_is_woken(rotating: RotatingSecrets) -> None:
    for secret in (rotating.master, rotating.role):
        old = rotating.login(secret)
        token = rotating.begin(secret)
        rotating.cloud.admin.pause()
        with pytest.raises(UnavailableError):
            rotating.rotate(secret, token, timeout=0.1)
        assert rotating.login(secret) == old
        rotating.rotate(secret, token, timeout=30)
        assert not rotating.opens(old)


def test_a_deploy_after_a_rotation_does_no_harm(rotating: RotatingSecrets) -> None:
    roles = {"st_chat_app": rotating.role}
    set_role_passwords(rotating.api(rotating.master), rotating.secrets, roles)
    rotating.rotate(rotating.role)
    for changed in (["st_chat_app"], []):
        assert set_role_passwords(rotating.api(rotating.master), rotating.secrets, roles) == changed
        assert rotating.opens(rotating.login(rotating.role))
    rotating.rotate(rotating.role)
    assert rotating.opens(rotating.login(rotating.role))


def test_a_role_that_no_deploy_has_made_yet(rotating: RotatingSecrets) -> None:
    secret = rotating.secret("st.chat.later", username="st_chat_later", password="p", dbname="chat")
    rotating.rotate(secret)
    assert rotating.login(secret)["password"] != "p"
    rotating.api(rotating.master).execute("CREATE ROLE st_chat_later NOLOGIN")
    set_role_passwords(rotating.api(rotating.master), rotating.secrets, {"st_chat_later": secret})
    assert rotating.opens(rotating.login(secret))


def test_a_secret_without_a_database_of_a_role_that_may_not_connect_to_the_default_one(
    rotating: RotatingSecrets,
) -> None:
    """What a secret is after it was attached to a cluster without a DatabaseName."""
    master = rotating.api(rotating.master)
    master.execute("CREATE ROLE st_chat_kept_out LOGIN")
    master.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    try:
        secret = rotating.secret("st.chat.kept_out", username="st_chat_kept_out", password="p")
        rotating.rotate(secret)
        with rotating.connect(rotating.login(secret) | {"dbname": "chat"}) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
    finally:
        master.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")


def test_a_secret_may_not_name_another_role(rotating: RotatingSecrets) -> None:
    """A user who may write a role's secret cannot change the master's password to its value."""
    master = rotating.login(rotating.master)
    secret = rotating.secret("st.chat.thief", username="stchat", password="p")
    with pytest.raises(StchatError) as error:
        rotating.rotate(secret)
    assert str(error.value) == (
        f"the username of secret {secret} must be the role that the secret was created for, got stchat:"
        " only the master's own secret may name the master"
    )
    assert rotating.opens(master)


def test_a_role_that_the_master_may_not_change(rotating: RotatingSecrets) -> None:
    with pytest.raises(StchatError) as error:
        rotating.rotate(rotating.secret("st.chat.admin", username="rdsadmin", password="p"))
    assert str(error.value) == (
        "the master may not change the password of role rdsadmin: grant it to the master WITH ADMIN OPTION"
    )


def test_as_a_lambda(rotating: RotatingSecrets) -> None:
    """The handler as it is deployed, called as Secrets Manager calls it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for file in (REPOSITORY / "stchat").rglob("*.py"):
            package.write(file, file.relative_to(REPOSITORY))
    rotating.functions.create_function(
        FunctionName="rotate",
        Runtime="python3.14",
        Role="arn:aws:iam::000000000000:role/rotate",
        Handler="stchat.handlers.rotation.on_rotation",
        Code={"ZipFile": archive.getvalue()},
        Timeout=300,
        Environment={
            "Variables": {
                "STCHAT_CLUSTER_ARN": rotating.cluster,
                "STCHAT_SECRET_ARN": rotating.master,
            }
        },
    )
    old = rotating.login(rotating.master)
    token = rotating.begin(rotating.master)

    def invoke(step: str) -> dict[str, Any]:
        event = {"SecretId": rotating.master, "ClientRequestToken": token, "Step": step}
        answer = rotating.functions.invoke(FunctionName="rotate", Payload=json.dumps(event))
        return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read() or "null")}

    assert invoke("testSecret")["payload"]["errorMessage"] == (
        f"version {token} of secret {rotating.master} is empty: createSecret comes first"
    )
    for step in STEPS:
        assert invoke(step) == {"error": None, "payload": None}
    rotating.end(rotating.master, token)
    new = rotating.login(rotating.master)
    assert rotating.opens(new)
    assert not rotating.opens(old)
    for log in (rotating.cloud.directory / "logs").iterdir():
        text = log.read_text(errors="replace")
        assert new["password"] not in text, log
        assert old["password"] not in text, log
