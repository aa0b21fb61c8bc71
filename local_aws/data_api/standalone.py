"""One cluster and its secrets: the Data API without a control plane."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from local_aws.data_api.cluster import Cluster, ClusterInfo
from local_aws.data_api.errors import ApiError
from local_aws.data_api.requests import Request
from local_aws.data_api.secret_values import parse_secret, secret_not_found
from local_aws.data_api.server_process import Embedded, Existing, ServerProcess
from local_aws.data_api.settings import Settings
from local_aws.postgres.roles import set_password
from local_aws.postgres.server import Postgres
from local_aws.state import ACCOUNT, REGION

MASTER = "stchat"
MASTER_SECRET = "st.chat"
DATABASE = "postgres"
IDENTIFIER = "local"
CLUSTER_ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{IDENTIFIER}"
SECRET_PREFIX = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"


def secret_arn(name: str) -> str:
    """The ARN of a secret of that name; the same at every start, so that what was exported stays right."""
    return f"{SECRET_PREFIX}{name}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@dataclass(frozen=True, kw_only=True)
class Arns:
    """What callers name: the cluster, and the secret of its master user."""

    cluster: str = CLUSTER_ARN
    secret: str = secret_arn(MASTER_SECRET)


@dataclass(frozen=True)
class Secret:
    arn: str
    name: str
    text: str


class Standalone:
    """An Account of one cluster, with one master secret. It evaluates no policies."""

    def __init__(
        self, server: ServerProcess, settings: Settings, arns: Arns, *, user: str, password: str, database: str
    ) -> None:
        identifier = arns.cluster.rpartition(":")[2]
        info = ClusterInfo(
            identifier=identifier,
            arn=arns.cluster,
            instance=f"{identifier}-instance-1",
            idle_seconds=settings.idle_seconds,
        )
        self.arns = arns
        self.database = database
        self._cluster = Cluster(info, server, resume_seconds=settings.resume_seconds, limits=settings.transactions)
        self._secrets: dict[str, Secret] = {}
        name = arns.secret.rpartition(":")[2][: -len("-xxxxxx")]
        self._secrets[name] = Secret(arns.secret, name, json.dumps({"username": user, "password": password}))

    @classmethod
    async def embedded(cls, directory: Path, settings: Settings, arns: Arns) -> Standalone:
        """The embedded PostgreSQL under `directory`; its master password is generated once and kept there."""
        postgres = Postgres(directory / IDENTIFIER)
        server = Embedded(postgres)
        password = await asyncio.to_thread(_prepare, postgres, directory / "master.password")
        await server.start()
        return cls(server, settings, arns, user=MASTER, password=password, database=DATABASE)

    @classmethod
    def existing(cls, dsn: str, settings: Settings, arns: Arns) -> Standalone:
        """The server of a `postgresql://` address; its user takes the place of the master user."""
        parts = conninfo_to_dict(dsn)
        user = str(parts.get("user") or "postgres")
        server = Existing(str(parts.get("host") or "127.0.0.1"), int(parts.get("port") or 5432))
        password, database = str(parts.get("password") or ""), str(parts.get("dbname") or user)
        return cls(server, settings, arns, user=user, password=password, database=database)

    @property
    def clusters(self) -> Sequence[Cluster]:
        return [self._cluster]

    async def cluster(self, arn: str) -> Cluster:
        if arn != self.arns.cluster:
            raise ApiError("HttpEndpointNotEnabledException", f"HttpEndpoint is not enabled for resource {arn}")
        return self._cluster

    async def authorize(self, operation: str, request: Request, headers: Mapping[str, str]) -> None:
        """There are no policies here."""

    async def authorize_model(self, model: str, headers: Mapping[str, str], profile: str | None = None) -> None:
        """There are no policies here."""

    async def credentials(self, secret: str, cluster: Cluster, *, fresh: bool = False) -> tuple[str, str]:  # noqa: ARG002
        for found in self._secrets.values():
            if secret in (found.arn, found.name, found.arn[: -len("-xxxxxx")]):
                return parse_secret(found.text)
        raise secret_not_found()

    def add_secret(self, name: str, text: str) -> Secret:
        """Register a secret under a name, or change it; the text is usually JSON."""
        self._secrets[name] = Secret(secret_arn(name), name, text)
        return self._secrets[name]

    def secret_key(self, access_key: str) -> str | None:  # noqa: ARG002
        return None

    async def refresh(self) -> None:
        """Nothing changes here but through the admin API."""

    async def stop(self) -> None:
        await self._cluster.stop()


def _prepare(postgres: Postgres, password_file: Path) -> str:
    """The master password. A cluster whose password file was lost or emptied gets a new one."""
    password = password_file.read_text() if password_file.exists() else ""
    if password and postgres.exists:
        return password
    password = secrets.token_urlsafe(24)
    if postgres.exists:
        postgres.start()
        set_password(postgres.connect, MASTER, password)
    else:
        postgres.create(master=MASTER, password=password)
    _write_private(password_file, password)
    return password


def _write_private(path: Path, text: str) -> None:
    """Complete or absent, and for its owner alone."""
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(path)
