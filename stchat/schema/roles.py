"""Lets the roles that migrations have made log in with the passwords of their secrets, within their limits.

Which version of a secret a role's password is from is the role's comment, so that one call finds nothing to do. What
is sent is a SCRAM verifier: no password is in any SQL. A role may change its own settings, which PostgreSQL does not
let the owner forbid; so they are compared with LIMITS, and set again.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from stchat.data_api import DataApi, Row, verifier
from stchat.errors import DatabaseError, MigrationError, SettingsError
from stchat.schema.execution import RetryLater
from stchat.schema.failures import failure
from stchat.schema.migration import quoted
from stchat.schema.waiting import is_transient

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

log = logging.getLogger(__name__)

_ROLE = re.compile(r"[a-z_][a-z0-9_]*")
# As sql/postgres/0003_role_limits.sql and 0004_app_iam_role.sql set them. Of any other role nothing is expected.
LIMITS = dict.fromkeys(
    ("st_chat_app", "st_chat_app_iam", "st_chat_read"),
    ("statement_timeout=60s", "idle_in_transaction_session_timeout=5min", "lock_timeout=30s"),
)
CONNECTIONS = 500

_READ = """
SELECT r.rolname, shobj_description(r.oid, 'pg_authid') AS comment, r.rolconnlimit AS connections,
       coalesce((SELECT string_agg(coalesce(d.datname || ' ', '') || array_to_string(s.setconfig, chr(10)), chr(10))
                 FROM pg_db_role_setting AS s LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
                 WHERE s.setrole = r.oid), '') AS settings,
       coalesce((SELECT string_agg(d.datname, ',')
                 FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
                 WHERE s.setrole = r.oid), '') AS databases
FROM pg_roles AS r WHERE r.rolname = ANY (string_to_array(:names, ','))"""
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
    """The names of those that got a new password. `api` may be of any database: roles belong to the cluster.

    The limits are those of every role in LIMITS: one that logs in by IAM has no secret, and so is not in `roles`.
    """
    if not roles:
        return []
    found = {row["rolname"]: row for row in read_roles(api, {*roles, *LIMITS})}
    for role, row in found.items():
        if changed := changed_settings(row):
            log.warning("role %s: %s; set again", role, "; ".join(changed))
            _limit(api, role, row["databases"])
    comments = {role: row["comment"] for role, row in found.items()}
    return [role for role, arn in roles.items() if _set_password(api, secrets, role, arn, comments)]


def read_roles(api: DataApi, roles: Iterable[str]) -> list[Row]:
    """Comment, connection limit and settings of those that exist."""
    return api.execute(_READ, {"names": ",".join(roles)}, idempotent=True).rows


def changed_settings(row: Row) -> list[str]:
    """What is not as LIMITS has it. By name alone: a setting's value may be anything."""
    expected = LIMITS.get(row["rolname"])
    if expected is None:
        return []
    found, wanted = set(filter(None, row["settings"].split("\n"))), set(expected)
    changed = sorted({_setting(line) for line in found - wanted} | {_setting(line) for line in wanted - found})
    limit = [] if row["connections"] == CONNECTIONS else [f"its connection limit is {row['connections']}"]
    return limit + ([f"its settings differ in {', '.join(changed)}"] if changed else [])


def _setting(line: str) -> str:
    return line.partition("=")[0]


def _limit(api: DataApi, role: str, databases: str) -> None:
    resets = [f"ALTER ROLE {role} IN DATABASE {quoted(name)} RESET ALL" for name in databases.split(",") if name]
    sets = [f"ALTER ROLE {role} SET {name} = '{value}'" for name, _, value in (s.partition("=") for s in LIMITS[role])]
    _alter(
        api, role, *resets, f"ALTER ROLE {role} RESET ALL", *sets, f"ALTER ROLE {role} CONNECTION LIMIT {CONNECTIONS}"
    )


def _alter(api: DataApi, role: str, *statements: str) -> None:
    try:
        with api.transaction() as transaction:
            for statement in (_LOCK, *statements):
                transaction.execute(statement)
    except DatabaseError as error:
        if is_transient(error):
            raise RetryLater(f"role {role}: {error}") from error
        raise failure(f"role {role}", error) from error


def _set_password(
    api: DataApi, secrets: SecretsManagerClient, role: str, arn: str, comments: Mapping[str, str | None]
) -> bool:
    if role not in comments:
        raise MigrationError(
            f"role {role} does not exist: make it in a migration, with NOLOGIN, or leave its secret out"
        )
    secret = secrets.get_secret_value(SecretId=arn)
    mark = f"password from version {secret['VersionId']} of its secret".replace("'", "")
    if comments[role] == mark:
        return False
    login = json.loads(secret["SecretString"])
    if login.get("username") != role:
        raise MigrationError(f"the secret of role {role} has username {login.get('username')!r}: make it {role}")
    _alter(
        api,
        role,
        f"ALTER ROLE {role} LOGIN PASSWORD '{verifier(login['password'])}'",
        f"COMMENT ON ROLE {role} IS '{mark}'",
    )
    log.info("role %s: password set", role)
    if secrets.get_secret_value(SecretId=arn)["VersionId"] != secret["VersionId"]:
        # A rotation has come between: its password is the one that counts.
        return _set_password(api, secrets, role, arn, {role: mark})
    return True
