"""A new password for the role of a secret, in the four steps that Secrets Manager calls for.

The Data API logs in with the version AWSCURRENT, so a pending password can be neither tested nor used before that.
Hence nothing in the database changes until finishSecret, which changes the password and moves AWSCURRENT at once.
Each step is idempotent, and may be killed anywhere: docs/decisions/0300-rotation-over-the-data-api.md.
"""

from __future__ import annotations

import json
import logging
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from secrets import choice
from typing import TYPE_CHECKING, Any

from stchat.data_api import DataApi, verifier
from stchat.errors import DatabaseError, RotationError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

log = logging.getLogger(__name__)

ALPHABET = string.ascii_letters + string.digits  # needs no escape in a connection string or a shell
PASSWORD_LENGTH = 32  # 190 bits

_ROLE = re.compile(r"[a-z_][a-z0-9_]*")
_WRONG_PASSWORD = "28P01"
# A secret may name no database: attaching it to a cluster that has none takes the name away. The password was right.
_MAY_NOT_CONNECT = "42501"
_NO_SUCH_ROLE = "42704"
_MEMBERSHIP = """
SELECT rolname = current_user AS own, pg_has_role(oid, 'MEMBER WITH ADMIN OPTION') AS administered
FROM pg_roles WHERE rolname = :role"""


@dataclass(frozen=True)
class Rotation:
    """Of the secret `arn` to its version `token`. `master` logs in as the master user, who may change the password; for
    the master's own secret with that same secret."""

    secrets: SecretsManagerClient
    master: DataApi
    arn: str
    token: str

    def run(self, step: str) -> None:
        """Raises RotationError when Secrets Manager asks for a rotation that cannot be done."""
        if step not in _STEPS:
            raise RotationError(f"step must be one of {', '.join(_STEPS)}, got {step!r}")
        secret = self.secrets.describe_secret(SecretId=self.arn)
        if not secret.get("RotationEnabled"):
            raise RotationError(f"secret {self.arn} has no rotation: deploy with rotate_secrets_every set")
        versions = secret.get("VersionIdsToStages", {})
        labels = versions.get(self.token, [])
        if "AWSCURRENT" in labels and step != "finishSecret":
            log.info("%s: version %s is current already", step, self.token)
            return
        if not {"AWSCURRENT", "AWSPENDING"} & set(labels):
            raise RotationError(
                f"version {self.token} of secret {self.arn} must be AWSPENDING, got {', '.join(labels) or 'no label'}:"
                " start with aws secretsmanager rotate-secret"
            )
        _STEPS[step](self, versions)
        log.info("%s: done", step)

    def _create(self, _: Mapping[str, list[str]]) -> None:
        """The pending version: the current one with another password, unless an earlier attempt has made it."""
        current = self._login(self.secrets.get_secret_value(SecretId=self.arn))
        if self._pending() is None:
            password = "".join(choice(ALPHABET) for _ in range(PASSWORD_LENGTH))
            self.secrets.put_secret_value(
                SecretId=self.arn,
                ClientRequestToken=self.token,
                SecretString=json.dumps(current | {"password": password}),
                VersionStages=["AWSPENDING"],
            )

    def _set(self, _: Mapping[str, list[str]]) -> None:
        """Nothing: a password that is set here would refuse every login until finishSecret."""

    def _test(self, _: Mapping[str, list[str]]) -> None:
        """That the database runs and that the master may set the role's password, so that finishSecret is short."""
        role = self._created()["username"]
        try:
            rows = self.master.execute(_MEMBERSHIP, {"role": role}, idempotent=True).rows
        except DatabaseError as error:
            self._check_current_password_refused(error)
            return
        for row in rows:
            if row["own"] != self._of_master:
                raise RotationError(
                    f"the username of secret {self.arn} must be the role that the secret was created for, got {role}:"
                    " only the master's own secret may name the master"
                )
            if not (row["own"] or row["administered"]):
                raise RotationError(
                    f"the master may not change the password of role {role}: grant it to the master WITH ADMIN OPTION"
                )

    def _finish(self, versions: Mapping[str, list[str]]) -> None:
        """The password, then at once AWSCURRENT: between the two, new sessions of the role are refused."""
        [current] = [version for version, labels in versions.items() if "AWSCURRENT" in labels]
        login = self._created()
        password_set = False
        try:
            # Idempotent: the same password twice.
            self.master.execute(
                f"ALTER ROLE {login['username']} PASSWORD '{verifier(login['password'])}'", idempotent=True
            )
            password_set = True
            log.info("role %s has its new password", login["username"])
        except DatabaseError as error:
            if error.sqlstate == _NO_SUCH_ROLE:
                log.info(
                    "role %s does not exist yet: the deploy that creates it will set its password", login["username"]
                )
                self._move(current, self.token)
                return
            self._check_current_password_refused(error)
        self._move(current, self.token)
        if self._can_log_in(login):
            return
        if not password_set:
            self._move(self.token, current)
        raise RotationError(
            f"role {login['username']} is refused with the passwords of secret {self.arn}, of its current version"
            " and of the new one: see docs/rotation.md"
        )

    def _check_current_password_refused(self, error: DatabaseError) -> None:
        """Goes on only if it was the master's own password that is refused: an attempt that was killed in finishSecret
        may have changed it. Then the new password works, and finishSecret tries that."""
        if error.sqlstate != _WRONG_PASSWORD or not self._of_master:
            raise error
        log.warning("the current password is refused: an earlier attempt may have changed it")

    @property
    def _of_master(self) -> bool:
        return self.arn == self.master.secret_arn

    def _can_log_in(self, login: Mapping[str, Any]) -> bool:
        """Whether the Data API can log in with the secret's current version."""
        database = login.get("dbname", self.master.database)
        try:
            replace(self.master, secret_arn=self.arn, database=database).execute("SELECT 1", idempotent=True)
        except DatabaseError as error:
            if error.sqlstate not in (_WRONG_PASSWORD, _MAY_NOT_CONNECT):
                raise
            return error.sqlstate == _MAY_NOT_CONNECT
        return True

    def _move(self, source: str, target: str) -> None:
        if source != target:
            self.secrets.update_secret_version_stage(
                SecretId=self.arn, VersionStage="AWSCURRENT", RemoveFromVersionId=source, MoveToVersionId=target
            )

    def _created(self) -> dict[str, Any]:
        pending = self._pending()
        if pending is None:
            raise RotationError(f"version {self.token} of secret {self.arn} is empty: createSecret comes first")
        return pending

    def _pending(self) -> dict[str, Any] | None:
        """None: Secrets Manager has named the version, but it holds nothing yet."""
        try:
            # By version, not by label: a label just moved may not be visible yet.
            value = self.secrets.get_secret_value(SecretId=self.arn, VersionId=self.token)
        except self.secrets.exceptions.ResourceNotFoundException:
            return None
        return self._login(value) if "SecretString" in value else None

    def _login(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """What a version of the secret holds."""
        try:
            login = json.loads(value["SecretString"])
            if _ROLE.fullmatch(login["username"]) and login["password"]:
                return dict(login)
        except (KeyError, TypeError, ValueError):
            pass
        raise RotationError(
            f"version {value['VersionId']} of secret {self.arn} must be JSON with a username of lower-case letters,"
            " digits and _, and a password: put that back with aws secretsmanager put-secret-value"
        )


_STEPS: dict[str, Callable[[Rotation, Mapping[str, list[str]]], None]] = {
    "createSecret": Rotation._create,
    "setSecret": Rotation._set,
    "testSecret": Rotation._test,
    "finishSecret": Rotation._finish,
}
