"""What PostgreSQL must refuse to an application's role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, StchatError

DENIED = "42501"  # insufficient_privilege
# Asked, not tried: a deployment in which one of them were allowed would lose data by the try.
_TOO_MUCH = """
SELECT has_schema_privilege('public', 'CREATE') AS make_objects,
       coalesce(has_table_privilege(to_regclass('schema_migrations'),
                'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'), false) AS touch_the_ledger_of_migrations,
       EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND pg_has_role(relowner, 'MEMBER'))
           AS alter_a_table,
       EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
               AND has_table_privilege(oid, 'TRUNCATE')) AS empty_a_table,
       EXISTS (SELECT FROM pg_roles WHERE rolname <> current_user AND pg_has_role(oid, 'MEMBER'))
           AS act_as_another_role,
       EXISTS (SELECT FROM pg_database WHERE datname NOT IN (current_database(), 'rdsadmin') AND datallowconn
               AND has_database_privilege(oid, 'CONNECT')) AS connect_to_another_database,
       (SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles
        WHERE rolname = current_user) AS rule"""


class SmokeError(StchatError):
    """Something is not as it must be; its text says what was expected and found."""


def too_much(api: DataApi) -> list[str]:
    """What the role may do and must not."""
    [row] = api.execute(_TOO_MUCH, idempotent=True).rows
    return [what.replace("_", " ") for what, may in row.items() if may]


def must(holds: object, otherwise: str) -> None:
    if not holds:
        raise SmokeError(otherwise)


def refused(execute: Callable[..., Any], sql: str, parameters: dict[str, Any] | None = None) -> None:
    try:
        execute(sql, parameters)
    except DatabaseError as error:
        denied = error.sqlstate == DENIED or "permission denied" in str(error)
        must(denied, f"it must be refused with {DENIED}, got {error.sqlstate}: {error}")
    else:
        raise SmokeError(f"PostgreSQL must refuse it, and ran it: {sql}")
