"""Lets the roles that migrations have made log in with the passwords of their secrets.

Which version of a secret a role was keyed from is the role's comment, so that one call finds nothing to do. What is
sent is a SCRAM verifier: no password is in any SQL.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stchat.data_api import DataApi
from stchat.data_api.scram import verifier
from stchat.errors import DatabaseError, MigrationError, SettingsError
from stchat.schema.execution import RetryLater, failure, passing

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

log = logging.getLogger(__name__)

_ROLE = re.compile(r"[a-z_][a-z0-9_]*")
_READ = """
SELECT rolname, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles
WHERE rolname = ANY (string_to_array(:names, ','))"""
# Two deploys at once would fail with "tuple concurrently updated".
_LOCK = "SELECT true FROM pg_advisory_xact_lock(hashtext('stchat.roles'))"


def parse_roles(values: list[str]) -> dict[str, str]:
    """From `<role>=<ARN of its secret>` each."""
    roles = dict(value.partition("=")[::2] for value in values)
    for role, arn in roles.items():
        if not _ROLE.fullmatch(role) or not arn:
            raise SettingsError(f"a role must be <name>=<ARN of its secret>, got {role}={arn}")
    return roles


def set_role_passwords(api: DataApi, secrets: SecretsManagerClient, roles: Mapping[str, str]) -> list[str]:
    """The names of those that got a new password. `api` may be of any database: roles belong to the cluster."""
    if not roles:
        return []
    rows = api.execute(_READ, {"names": ",".join(roles)}, idempotent=True).rows
    comments = {row["rolname"]: row["comment"] for row in rows}
    return [role for role, arn in roles.items() if _key(api, secrets, role, arn, comments)]


def _key(api: DataApi, secrets: SecretsManagerClient, role: str, arn: str, comments: Mapping[str, str | None]) -> bool:
    if role not in comments:
        raise MigrationError(
            f"role {role} does not exist: make it in a migration, with NOLOGIN, or leave its secret out"
        )
    secret = secrets.get_secret_value(SecretId=arn)
    mark = f"keyed from version {secret['VersionId']} of its secret".replace("'", "")
    if comments[role] == mark:
        return False
    login = json.loads(secret["SecretString"])
    if login.get("username") != role:
        raise MigrationError(f"the secret of role {role} has username {login.get('username')!r}: make it {role}")
    try:
        with api.transaction() as transaction:
            transaction.execute(_LOCK)
            transaction.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier(login['password'])}'")
            transaction.execute(f"COMMENT ON ROLE {role} IS '{mark}'")
    except DatabaseError as error:
        if passing(error):
            raise RetryLater(f"role {role}: {error}") from error
        raise failure(f"role {role}", error) from error
    log.info("role %s: keyed", role)
    if secrets.get_secret_value(SecretId=arn)["VersionId"] != secret["VersionId"]:
        # A rotation has come between: its password is the one that counts.
        return _key(api, secrets, role, arn, {role: mark})
    return True
