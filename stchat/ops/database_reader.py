"""Reads a cluster's databases over the Data API: open connections, extensions, settings of roles."""

from __future__ import annotations

from stchat.data_api import DataApi
from stchat.ops.cluster_state import Extension, RoleSetting, Session

APPLICATION_ROLES = "st_chat_"  # what the names of the roles that migrations create begin with

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
_ROLE_SETTINGS = """
SELECT r.rolname AS role, coalesce(d.datname, '') AS database, setting
FROM pg_db_role_setting AS s
JOIN pg_roles AS r ON r.oid = s.setrole
LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
CROSS JOIN unnest(s.setconfig) AS setting
WHERE starts_with(r.rolname, :prefix) ORDER BY 1, 2, 3"""


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


def role_settings(api: DataApi) -> tuple[RoleSetting, ...]:
    rows = api.execute(_ROLE_SETTINGS, {"prefix": APPLICATION_ROLES}, idempotent=True).rows
    return tuple(RoleSetting(**row) for row in rows)
