"""A rotation that dies after each of its calls: what Secrets Manager does then, beginning again, always ends well.

To die before a call is to die after the one before it; before the first, nothing has happened.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from stchat.errors import DatabaseError, RotationError
from stchat.scram import verifier
from tests.integration.rotation.conftest import END_SESSIONS, House
from tests.integration.rotation.mortal import DiedError, dying

UNDISTURBED = [
    "DescribeSecret", "GetSecretValue", "GetSecretValue", "PutSecretValue",
    "DescribeSecret",
    "DescribeSecret", "GetSecretValue", "ExecuteStatement",
    "DescribeSecret", "GetSecretValue", "ExecuteStatement", "UpdateSecretVersionStage", "ExecuteStatement",
]  # fmt: skip
KEYED = UNDISTURBED.index("UpdateSecretVersionStage") - 1  # the password has changed, and AWSCURRENT has not


def die(house: House, secret: str, token: str, after: int) -> bool:
    """A rotation ends after this call, and so does every session: the next one must log in. False: it made no more
    calls than that."""
    try:
        with dying((house.secrets, house.data), after):
            house.steps(secret, token, patience=0.2)
    except DiedError:
        house.end_sessions(secret)
        return True
    return False


def assert_rotated(house: House, secret: str, token: str, old: dict[str, str]) -> None:
    assert house.labels(secret)["AWSCURRENT"] == token
    assert house.login(secret)["password"] != old["password"]
    assert house.opens(house.login(secret))
    assert not house.opens(old)


@pytest.mark.parametrize("who", ["master", "role"])
def test_a_rotation_makes_these_calls(house: House, who: str) -> None:
    secret = getattr(house, who)
    token = house.begin(secret)
    with dying((house.secrets, house.data), None) as calls:
        house.steps(secret, token)
    house.end(secret, token)
    assert calls == UNDISTURBED


@pytest.mark.parametrize("who", ["master", "role"])
def test_death_after_every_call(house: House, who: str) -> None:
    secret = getattr(house, who)
    for at in range(len(UNDISTURBED)):
        old = house.login(secret)
        token = house.begin(secret)
        assert die(house, secret, token, at)
        house.rotate(secret, token, patience=0.2)
        assert_rotated(house, secret, token, old)


def test_death_after_every_call_of_the_recovery_too(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Of the master's, for whom nobody else can log in; KEYED is the worst that a death leaves behind."""
    for at in count():
        old = house.login(house.master)
        token = house.begin(house.master)
        assert die(house, house.master, token, KEYED)
        assert house.opens(house.login(house.master, "AWSPENDING"))
        died = die(house, house.master, token, at)
        house.rotate(house.master, token, patience=0.2)
        assert_rotated(house, house.master, token, old)
        if not died:
            break
    assert at >= len(UNDISTURBED) - 1  # all but createSecret's PutSecretValue
    refused = [record for record in caplog.records if record.getMessage().startswith("the current password is refused")]
    assert len(refused) > at  # the Data API had no session left that the old password had opened


def test_a_role_recovers_without_its_pending_version(house: House) -> None:
    """Whoever takes AWSPENDING away from a rotation that died has lost the password that is live."""
    lost = house.begin(house.role)
    assert die(house, house.role, lost, KEYED)
    old = house.login(house.role, "AWSPENDING")
    house.secrets.update_secret_version_stage(SecretId=house.role, VersionStage="AWSPENDING", RemoveFromVersionId=lost)
    assert not house.opens(house.login(house.role))
    token = house.begin(house.role)
    house.rotate(house.role, token)
    assert_rotated(house, house.role, token, old)


def test_a_master_whose_password_was_changed_by_hand(house: House) -> None:
    """Labels stay as they were, the text says where to look, and what it says there heals it."""
    old, labels = house.login(house.master), house.labels(house.master)
    by_hand = old | {"password": "by-hand"}
    set_password(house, old, by_hand)
    token, of_role = house.begin(house.master), house.begin(house.role)
    with pytest.raises(RotationError) as error:
        house.rotate(house.master, token, patience=0.2)
    assert str(error.value) == (
        f"role stchat is refused with the passwords of secret {house.master}, of its current version and of the new"
        " one: see docs/rotation.md"
    )
    assert house.labels(house.master)["AWSCURRENT"] == labels["AWSCURRENT"]
    with pytest.raises(DatabaseError, match="password authentication failed"):
        house.rotate(house.role, of_role, patience=0.2)
    set_password(house, by_hand, old)
    house.rotate(house.master, token)
    assert_rotated(house, house.master, token, old)
    house.rotate(house.role, of_role)


def set_password(house: House, login: dict[str, Any], new: dict[str, Any]) -> None:
    with house.connect(login) as connection:
        connection.execute(f"ALTER ROLE {login['username']} PASSWORD '{verifier(new['password'])}'")
        connection.execute(END_SESSIONS)
