"""One made-up cluster and its secrets: the Data API without a control plane."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from local_aws.data_api.cluster import Cluster, Facts
from local_aws.data_api.errors import ApiError
from local_aws.data_api.secret_values import parse_secret, secret_not_found
from local_aws.data_api.server_process import Embedded, Existing, ServerProcess
from local_aws.data_api.settings import Settings
from local_aws.postgres.server import Postgres
from local_aws.state import ACCOUNT, REGION

MASTER = "stchat"
MASTER_SECRET = "st.chat"
IDENTIFIER = "local"
CLUSTER_ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{IDENTIFIER}"
SECRET_PREFIX = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"


def secret_arn(name: str) -> str:
    """The ARN of a secret made up here; the same at every start, so that what was exported stays right."""
    return f"{SECRET_PREFIX}{name}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class Secret:
    arn: str
    name: str
    text: str


class Alone:
    """An Account of one cluster, with one master secret."""

    def __init__(self, server: ServerProcess, settings: Settings, user: str, password: str, database: str) -> None:
        facts = Facts(
            identifier=IDENTIFIER,
            arn=CLUSTER_ARN,
            instance=f"{IDENTIFIER}-instance-1",
            default_database=database,
            idle_seconds=settings.idle_seconds,
        )
        self._cluster = Cluster(facts, server, resume_seconds=settings.resume_seconds, limits=settings.transactions)
        self._secrets: dict[str, Secret] = {}
        self.master_secret = self.add_secret(MASTER_SECRET, json.dumps({"username": user, "password": password}))

    @classmethod
    async def embedded(cls, directory: Path, settings: Settings) -> Alone:
        """PostgreSQL of our own under `directory`; its master password is generated once and kept there."""
        postgres = Postgres(directory / IDENTIFIER)
        password_file = directory / "master.password"
        if not postgres.exists:
            directory.mkdir(parents=True, exist_ok=True)
            password_file.touch(mode=0o600)
            password_file.write_text(secrets.token_urlsafe(24))
            await asyncio.to_thread(postgres.create, master=MASTER, password=password_file.read_text())
        server = Embedded(postgres)
        await server.start()
        return cls(server, settings, MASTER, password_file.read_text(), "postgres")

    @classmethod
    def existing(cls, dsn: str, settings: Settings) -> Alone:
        """The server of a `postgresql://` address; its user takes the place of the master user."""
        parts = conninfo_to_dict(dsn)
        user = str(parts.get("user") or "postgres")
        server = Existing(str(parts.get("host") or "127.0.0.1"), int(parts.get("port") or 5432))
        return cls(server, settings, user, str(parts.get("password") or ""), str(parts.get("dbname") or user))

    @property
    def clusters(self) -> Sequence[Cluster]:
        return [self._cluster]

    async def cluster(self, arn: str) -> Cluster:
        if arn != CLUSTER_ARN:
            raise ApiError("HttpEndpointNotEnabledException", f"HttpEndpoint is not enabled for resource {arn}")
        return self._cluster

    async def authorize(self, operation: str, request: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        """Nobody's policies are known here."""

    async def authorize_model(self, model: str, headers: Mapping[str, str]) -> None:
        """Nor are they for this."""

    async def credentials(self, secret: str, cluster: Cluster, *, fresh: bool = False) -> tuple[str, str]:  # noqa: ARG002
        for known in self._secrets.values():
            if secret in (known.arn, known.name, known.arn[: -len("-xxxxxx")]):
                return parse_secret(known.text)
        raise secret_not_found()

    def add_secret(self, name: str, text: str) -> Secret:
        """Register a secret under a name, or change it; the text is usually JSON."""
        self._secrets[name] = Secret(secret_arn(name), name, text)
        return self._secrets[name]

    def secret_key(self, access_key: str) -> str | None:  # noqa: ARG002
        return None

    async def tend(self) -> None:
        """Nothing changes here but by the control API."""

    async def stop(self) -> None:
        await self._cluster.stop()
