"""A rotation that is killed after each of its calls: what Secrets Manager does then, beginning again, always ends well.

To die before a call is to die after the one before it; before the first, nothing has happened.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from stchat.data_api.scram import verifier
from stchat.errors import DatabaseError, RotationError
from tests.support.crash_injection import KilledError, dying
from tests.support.rotating_secrets import END_SESSIONS, RotatingSecrets

UNDISTURBED = [
    "DescribeSecret", "GetSecretValue", "GetSecretValue", "PutSecretValue",
    "DescribeSecret",
    "DescribeSecret", "GetSecretValue", "ExecuteStatement",
    "DescribeSecret", "GetSecretValue", "ExecuteStatement", "UpdateSecretVersionStage", "ExecuteStatement",
]  # fmt: skip
PASSWORD_SET = UNDISTURBED.index("UpdateSecretVersionStage") - 1  # the password has changed, and AWSCURRENT has not


def die(rotating: RotatingSecrets, secret: str, token: str, after: int) -> bool:
    """A rotation ends after this call, and so does every session: the next one must log in. False: it made no more
    calls than that."""
    try:
        with dying((rotating.secrets, rotating.data), after):
            rotating.steps(secret, token, timeout=0.2)
    except KilledError:
        rotating.end_sessions(secret)
        return True
    return False


def assert_rotated(rotating: RotatingSecrets, secret: str, token: str, old: dict[str, str]) -> None:
    assert rotating.labels(secret)["AWSCURRENT"] == token
    assert rotating.login(secret)["password"] != old["password"]
    assert rotating.opens(rotating.login(secret))
    assert not rotating.opens(old)


@pytest.mark.parametrize("who", ["master", "role"])
def test_a_rotation_makes_these_calls(rotating: RotatingSecrets, who: str) -> None:
    secret = getattr(rotating, who)
    token = rotating.begin(secret)
    with dying((rotating.secrets, rotating.data), None) as calls:
        rotating.steps(secret, token)
    rotating.end(secret, token)
    assert calls == UNDISTURBED


@pytest.mark.parametrize("who", ["master", "role"])
def test_death_after_every_call(rotating: RotatingSecrets, who: str) -> None:
    secret = getattr(rotating, who)
    for at in range(len(UNDISTURBED)):
        old = rotating.login(secret)
        token = rotating.begin(secret)
        assert die(rotating, secret, token, at)
        rotating.rotate(secret, token, timeout=0.2)
        assert_rotated(rotating, secret, token, old)


def test_death_after_every_call_of_the_recovery_too(
    rotating: RotatingSecrets, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the master's, for whom no other user can log in; PASSWORD_SET is the worst that a crash leaves behind."""
    for at in count():
        old = rotating.login(rotating.master)
        token = rotating.begin(rotating.master)
        assert die(rotating, rotating.master, token, PASSWORD_SET)
        assert rotating.opens(rotating.login(rotating.master, "AWSPENDING"))
        died = die(rotating, rotating.master, token, at)
        rotating.rotate(rotating.master, token, timeout=0.2)
        assert_rotated(rotating, rotating.master, token, old)
        if not died:
            break
    assert at >= len(UNDISTURBED) - 1  # all but createSecret's PutSecretValue
    refused = [record for record in caplog.records if record.getMessage().startswith("the current password is refused")]
    assert len(refused) > at  # the Data API had no session left that the old password had opened


def test_a_role_recovers_without_its_pending_version(rotating: RotatingSecrets) -> None:
    """Taking AWSPENDING away from a rotation that was killed loses the password that is live."""
    lost = rotating.begin(rotating.role)
    assert die(rotating, rotating.role, lost, PASSWORD_SET)
    old = rotating.login(rotating.role, "AWSPENDING")
    rotating.secrets.update_secret_version_stage(
        SecretId=rotating.role, VersionStage="AWSPENDING", RemoveFromVersionId=lost
    )
    assert not rotating.opens(rotating.login(rotating.role))
    token = rotating.begin(rotating.role)
    rotating.rotate(rotating.role, token)
    assert_rotated(rotating, rotating.role, token, old)


def test_a_master_whose_password_was_changed_by_hand(rotating: RotatingSecrets) -> None:
    """Labels stay as they were, the message names where to look, and what is documented there repairs it."""
    old, labels = rotating.login(rotating.master), rotating.labels(rotating.master)
    by_hand = old | {"password": "by-hand"}
    set_password(rotating, old, by_hand)
    token, of_role = rotating.begin(rotating.master), rotating.begin(rotating.role)
    with pytest.raises(RotationError) as error:
        rotating.rotate(rotating.master, token, timeout=0.2)
    assert str(error.value) == (
        f"role stchat is refused with the passwords of secret {rotating.master}, of its current version and of the new"
        " one: see docs/rotation.md"
    )
    assert rotating.labels(rotating.master)["AWSCURRENT"] == labels["AWSCURRENT"]
    with pytest.raises(DatabaseError, match="password authentication failed"):
        rotating.rotate(rotating.role, of_role, timeout=0.2)
    set_password(rotating, by_hand, old)
    rotating.rotate(rotating.master, token)
    assert_rotated(rotating, rotating.master, token, old)
    rotating.rotate(rotating.role, of_role)


def set_password(rotating: RotatingSecrets, login: dict[str, Any], new: dict[str, Any]) -> None:
    with rotating.connect(login) as connection:
        connection.execute(f"ALTER ROLE {login['username']} PASSWORD '{verifier(new['password'])}'")
        connection.execute(END_SESSIONS)
