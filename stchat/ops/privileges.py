"""What PostgreSQL must refuse to an application's role, and what the chat's schema consists of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, StchatError

DENIED = "42501"  # insufficient_privilege
# Looked up, not tried: a deployment that wrongly allows one of them would lose data by the attempt.
_EXCESSIVE = """
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
    """A check failed; its text names what was expected and found."""


def excessive_privileges(api: DataApi) -> list[str]:
    """What the role is allowed to do and must not be."""
    [row] = api.execute(_EXCESSIVE, idempotent=True).rows
    return [what.replace("_", " ") for what, may in row.items() if may]


_MISSING = """
SELECT name FROM (VALUES ('st_chat_history_table'), ('st_chat_history_vector_table')) AS wanted (name)
WHERE to_regclass(name) IS NULL ORDER BY name"""


def missing_tables(api: DataApi) -> list[str]:
    """Those of the chat's schema that the database has not."""
    return [row["name"] for row in api.execute(_MISSING, idempotent=True).rows]


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
        raise SmokeError(f"PostgreSQL must refuse it, but ran it: {sql}")
