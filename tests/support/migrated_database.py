"""The project's own sql/ on a real PostgreSQL, and the roles that it makes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local_aws.state import REGION
from stchat.data_api import DataApi
from stchat.handlers.schema import SQL
from stchat.postgres import PasswordLogin, Postgres, Server
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load

if TYPE_CHECKING:
    from tests.support.data_api_endpoint import Endpoint

DATABASE = "st_chat_db"
IAM_ROLE = "st_chat_app_iam"


@dataclass(frozen=True)
class MigratedDatabase:
    """A cluster with all of sql/ applied. `app` and `read`: the Data API as those roles; `master`: as the owner."""

    endpoint: Endpoint
    master: DataApi
    app: DataApi
    read: DataApi

    @property
    def environment(self) -> dict[str, str]:
        """An application's, as `local-aws env` exports it."""
        return {
            "AWS_ENDPOINT_URL_RDS_DATA": self.endpoint.url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.endpoint.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "STCHAT_CLUSTER_ARN": self.app.cluster_arn,
            "STCHAT_APP_SECRET_ARN": self.app.secret_arn,
            "STCHAT_DATABASE": self.app.database,
        }


def apply_migrations(endpoint: Endpoint) -> MigratedDatabase:
    postgres = DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, "postgres", timeout=20)
    assert Runner(postgres, load(SQL).migrations, SQL, "test").apply()
    master = postgres.with_database(DATABASE)
    with endpoint.psql() as superuser:
        superuser.execute("ALTER SYSTEM SET fsync = off")
        superuser.execute("SELECT pg_reload_conf()")
        for role in ("st_chat_app", "st_chat_read"):
            superuser.execute(f"ALTER ROLE {role} LOGIN PASSWORD 'of {role}'")
    app, read = (
        replace(master, secret_arn=endpoint.add_secret(role, f"of {role}")) for role in ("st_chat_app", "st_chat_read")
    )
    return MigratedDatabase(endpoint, master, app, read)


def direct_app(migrated: MigratedDatabase, timeout: float = 20) -> Postgres:
    """The application's role on a direct connection, past the Data API."""
    login = PasswordLogin("st_chat_app", "of st_chat_app")
    return Postgres(Server("127.0.0.1", login, migrated.endpoint.cluster["port"]), DATABASE, timeout)


@contextmanager
def copy(migrated: MigratedDatabase, template: str) -> Iterator[str]:
    """The name of a new database like `template`, gone after."""
    name = f"copy_{uuid.uuid4().hex[:12]}"
    migrated.master.with_database("postgres").execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield name
    with migrated.endpoint.psql() as superuser:
        superuser.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
