"""The roles of an Aurora cluster: AWS's own superuser, and a master user that is not a superuser."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

SUPERUSER = "rdsadmin"

# A trusted extension may be created by a role that may create in the database; on Aurora it has to be rds_superuser.
# The error is PostgreSQL's own for an extension that is not trusted.
GUARD = """
CREATE FUNCTION pg_catalog.rds_create_extension_guard() RETURNS event_trigger LANGUAGE plpgsql AS $guard$
DECLARE
    pattern text := '(?i)create\\s+extension\\s+(?:if\\s+not\\s+exists\\s+)?("[^"]+"|\\w+)';
    named text := substring(current_query() FROM pattern);
BEGIN
    IF NOT pg_has_role(current_user, 'rds_superuser', 'USAGE') THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('permission denied to create extension "%s"', trim('"' FROM named)),
            HINT = 'Must be superuser to create this extension.';
    END IF;
END $guard$;
CREATE EVENT TRIGGER rds_create_extension_guard ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION')
    EXECUTE FUNCTION pg_catalog.rds_create_extension_guard();
"""

ROLES = """
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint, pg_use_reserved_connections TO rds_superuser WITH ADMIN OPTION;
GRANT rds_replication, rds_iam TO rds_superuser WITH ADMIN OPTION;
"""


def create_roles(
    connect: Callable[[str], Connection], *, master: str, password: str, database: str | None = None
) -> None:
    """Turn a server fresh from initdb into one like Aurora's; `database` is the cluster's first, if it has one."""
    for name in ("template1", "postgres"):
        with connect(name) as connection:
            # A system catalog's schema is closed to DDL, even for a superuser, unless it says so.
            connection.execute("SET allow_system_table_mods = on")
            connection.execute(GUARD)
    with connect("postgres") as connection:
        connection.execute(ROLES)
        # As RDS has it: pg_roles.rolvaliduntil is infinity, which the Data API cannot return.
        connection.execute(SQL("ALTER ROLE {} VALID UNTIL 'infinity'").format(Identifier(SUPERUSER)))
        connection.execute(
            SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE VALID UNTIL 'infinity' PASSWORD {}").format(
                Identifier(master), Literal(verifier(connection, master, password))
            )
        )
        connection.execute(SQL("GRANT rds_superuser TO {} WITH ADMIN OPTION").format(Identifier(master)))
        for name in ("postgres", "template1"):
            connection.execute(SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(name), Identifier(master)))
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(SUPERUSER)))
        if database not in (None, "postgres"):
            connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(database), Identifier(master)))


def set_password(connect: Callable[[str], Connection], user: str, password: str) -> None:
    with connect("postgres") as connection:
        secret = Literal(verifier(connection, user, password))
        connection.execute(SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(user), secret))


def verifier(connection: Connection, user: str, password: str) -> str:
    """The SCRAM-SHA-256 verifier of a password, which the server stores, so that the password itself is never sent."""
    return connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
