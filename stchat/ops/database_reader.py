"""Reads a cluster's databases over the Data API: open connections, extensions, settings of roles."""

from __future__ import annotations

from collections.abc import Iterator

from stchat.data_api import DataApi
from stchat.ops.cluster_state import ChangedRole, Extension, Session
from stchat.ops.sweep import Expired, expired
from stchat.schema.memory_codes import Fit, fits
from stchat.schema.memory_words import missing
from stchat.schema.roles import LIMITS, changed_settings, read_roles

_SESSIONS = """
SELECT s.usename AS user, s.datname AS database, s.application_name AS application,
       coalesce(s.client_addr::text, 'local') AS client, s.backend_start AS since
FROM pg_stat_activity AS s
JOIN pg_stat_activity AS own ON own.pid = pg_backend_pid()
WHERE s.backend_type = 'client backend' AND s.usename <> 'rdsadmin'
  AND (s.application_name, s.client_addr) IS DISTINCT FROM (own.application_name, own.client_addr)
ORDER BY s.backend_start"""
_DATABASES = """
SELECT datname AS name FROM pg_database
WHERE datallowconn AND NOT datistemplate AND datname <> 'rdsadmin' AND has_database_privilege(oid, 'CONNECT')
ORDER BY datname"""
_EXTENSIONS = """
SELECT name, installed_version AS installed, default_version AS available FROM pg_available_extensions
WHERE installed_version <> default_version ORDER BY name"""

_HAS = "SELECT to_regprocedure(:function) IS NOT NULL AS has"


def sessions(api: DataApi) -> tuple[Session, ...]:
    return tuple(Session(**row) for row in api.execute(_SESSIONS, idempotent=True).rows)


def outdated_extensions(api: DataApi) -> tuple[Extension, ...]:
    """In every database that the caller may connect to."""
    names = [row["name"] for row in api.execute(_DATABASES, idempotent=True).rows]
    return tuple(
        Extension(database=name, **row)
        for name in names
        for row in api.with_database(name).execute(_EXTENSIONS, idempotent=True).rows
    )


def changed_roles(api: DataApi) -> tuple[ChangedRole, ...]:
    """Of the roles that have limits."""
    rows = read_roles(api, LIMITS)
    return tuple(ChangedRole(row["rolname"], tuple(changes)) for row in rows if (changes := changed_settings(row)))


def memory_codes(api: DataApi) -> dict[str, list[Fit]]:
    """Of every database that has memories."""
    return {one.database: fits(one) for one in _with_function(api, "st_chat_memory_fit(int)")}


def without_words(api: DataApi) -> dict[str, int]:
    """Of every database whose memories are found by words."""
    return {one.database: missing(one) for one in _with_function(api, "st_chat_memory_words_missing()")}


def expired_rows(api: DataApi) -> dict[str, Expired]:
    """Of every database whose rows may expire."""
    return {one.database: expired(one) for one in _with_function(api, "st_chat_expired()")}


def _with_function(api: DataApi, function: str) -> Iterator[DataApi]:
    for row in api.execute(_DATABASES, idempotent=True).rows:
        database = api.with_database(row["name"])
        if database.execute(_HAS, {"function": function}, idempotent=True).rows[0]["has"]:
            yield database
