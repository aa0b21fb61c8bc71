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

from local.data_api import control
from local.state import REPOSITORY
from stchat.errors import StchatError, UnavailableError
from stchat.migrations.roles import key_roles
from tests.integration.rotation.conftest import STEPS, House

ROTATIONS = 10


@pytest.mark.parametrize("who", ["master", "role"])
def test_the_password_changes_and_nothing_else(house: House, who: str) -> None:
    secret = getattr(house, who)
    old = house.login(secret)
    house.rotate(secret)
    new = house.login(secret)
    assert new | {"password": old["password"]} == old
    assert house.opens(new)
    assert not house.opens(old)
    assert house.login(secret, "AWSPREVIOUS") == old
    assert "AWSPENDING" not in house.labels(secret)


def test_steps_may_be_repeated_at_any_time(house: House) -> None:
    for secret in (house.master, house.role):
        token = house.begin(secret)
        made = set()
        for last in range(1, len(STEPS) + 1):
            rotation = house.rotation(secret, token)
            for step in STEPS[:last] * 2:
                rotation.run(step)
            made.add(house.secrets.get_secret_value(SecretId=secret, VersionId=token)["SecretString"])
        house.end(secret, token)
        assert len(made) == 1
        assert house.opens(json.loads(made.pop()))


def test_callers_see_nothing_of_ten_rotations(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Four callers without a pause. In each rotation's worst moment, every session of the role is ended: all log in
    anew while the password has changed and AWSCURRENT has not."""
    caplog.set_level(logging.INFO, "stchat.data_api")
    stop = threading.Event()

    def call(secret: str, database: str) -> int:
        api = house.api(secret, database, patience=30)
        count = 0
        while not stop.is_set():
            assert api.execute("SELECT 1 AS one", repeatable=True).rows == [{"one": 1}]
            count += 1
        return count

    def worst_moment(**_: Any) -> None:
        house.end_sessions(secret)
        time.sleep(0.1)

    event = "before-call.secrets-manager.UpdateSecretVersionStage"
    house.secrets.meta.events.register(event, worst_moment)
    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(call, house.master, "postgres") for _ in range(2)]
        callers += [pool.submit(call, house.role, "chat") for _ in range(2)]
        try:
            for number in range(ROTATIONS):
                secret = (house.role, house.master)[number % 2]
                old = house.login(secret)
                house.rotate(secret, patience=5)
                assert not house.opens(old)
        finally:
            stop.set()
            house.secrets.meta.events.unregister(event, worst_moment)
    assert min(caller.result() for caller in callers) > ROTATIONS
    refused = [record for record in caplog.records if "password authentication failed" in record.getMessage()]
    assert len(refused) >= ROTATIONS  # the moment was met, and waited out


def test_master_and_role_rotate_at_once(house: House) -> None:
    """As they do when they are deployed: the role's rotation logs in as the master, whose password is changing."""
    for _ in range(5):
        old = [house.login(secret) for secret in (house.master, house.role)]
        with ThreadPoolExecutor(2) as pool:
            rotations = [pool.submit(house.rotate, secret, patience=10) for secret in (house.master, house.role)]
        assert [rotation.result() for rotation in rotations] == [None, None]
        assert [house.opens(login) for login in old] == [False, False]
        assert house.opens(house.login(house.master)) and house.opens(house.login(house.role))


def test_a_cluster_that_sleeps_is_woken(house: House) -> None:
    for secret in (house.master, house.role):
        old = house.login(secret)
        token = house.begin(secret)
        control.pause(house.cloud.data_api_url)
        with pytest.raises(UnavailableError):
            house.rotate(secret, token, patience=0.1)
        assert house.login(secret) == old
        house.rotate(secret, token, patience=30)
        assert not house.opens(old)


def test_a_deploy_after_a_rotation_does_no_harm(house: House) -> None:
    roles = {"st_chat_app": house.role}
    key_roles(house.api(house.master), house.secrets, roles)
    house.rotate(house.role)
    for keyed in (["st_chat_app"], []):
        assert key_roles(house.api(house.master), house.secrets, roles) == keyed
        assert house.opens(house.login(house.role))
    house.rotate(house.role)
    assert house.opens(house.login(house.role))


def test_a_role_that_no_deploy_has_made_yet(house: House) -> None:
    secret = house.secret("st.chat.later", username="st_chat_later", password="p", dbname="chat")
    house.rotate(secret)
    assert house.login(secret)["password"] != "p"
    house.api(house.master).execute("CREATE ROLE st_chat_later NOLOGIN")
    key_roles(house.api(house.master), house.secrets, {"st_chat_later": secret})
    assert house.opens(house.login(secret))


def test_a_secret_without_a_database_of_a_role_that_may_not_connect_to_the_default_one(house: House) -> None:
    """What a secret is after it was attached to a cluster without a DatabaseName."""
    master = house.api(house.master)
    master.execute("CREATE ROLE st_chat_kept_out LOGIN")
    master.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    try:
        secret = house.secret("st.chat.kept_out", username="st_chat_kept_out", password="p")
        house.rotate(secret)
        with house.connect(house.login(secret) | {"dbname": "chat"}) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
    finally:
        master.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")


def test_a_secret_may_not_name_another_role(house: House) -> None:
    """Whoever may write a role's secret shall not get the master's password changed to what it says."""
    master = house.login(house.master)
    secret = house.secret("st.chat.thief", username="stchat", password="p")
    with pytest.raises(StchatError) as error:
        house.rotate(secret)
    assert str(error.value) == (
        f"the username of secret {secret} must be the role that it was made for, got stchat:"
        " only the master's own secret may hold the master"
    )
    assert house.opens(master)


def test_a_role_that_the_master_may_not_change(house: House) -> None:
    with pytest.raises(StchatError) as error:
        house.rotate(house.secret("st.chat.admin", username="rdsadmin", password="p"))
    assert str(error.value) == "the master may not change the password of role rdsadmin: did another one make it?"


def test_as_a_lambda(house: House) -> None:
    """The handler as it is deployed, called as Secrets Manager calls it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for file in (REPOSITORY / "stchat").rglob("*.py"):
            package.write(file, file.relative_to(REPOSITORY))
    house.functions.create_function(
        FunctionName="rotate",
        Runtime="python3.14",
        Role="arn:aws:iam::000000000000:role/rotate",
        Handler="stchat.handlers.rotation.on_rotation",
        Code={"ZipFile": archive.getvalue()},
        Timeout=300,
        Environment={"Variables": {"STCHAT_CLUSTER_ARN": house.cluster, "STCHAT_SECRET_ARN": house.master}},
    )
    old = house.login(house.master)
    token = house.begin(house.master)

    def invoke(step: str) -> dict[str, Any]:
        event = {"SecretId": house.master, "ClientRequestToken": token, "Step": step}
        answer = house.functions.invoke(FunctionName="rotate", Payload=json.dumps(event))
        return {"error": answer.get("FunctionError"), "said": json.loads(answer["Payload"].read() or "null")}

    assert invoke("testSecret")["said"]["errorMessage"] == (
        f"version {token} of secret {house.master} is empty: createSecret comes first"
    )
    for step in STEPS:
        assert invoke(step) == {"error": None, "said": None}
    house.end(house.master, token)
    new = house.login(house.master)
    assert house.opens(new)
    assert not house.opens(old)
    for log in (house.cloud.directory / "logs").iterdir():
        text = log.read_text(errors="replace")
        assert new["password"] not in text, log
        assert old["password"] not in text, log
