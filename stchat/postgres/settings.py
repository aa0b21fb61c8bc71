"""The settings of a program with a direct connection, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from stchat.environment import Variable
from stchat.errors import SettingsError
from stchat.postgres.login import IamLogin, Login, SecretLogin

MOST_CONNECTIONS = 10_000
MOST_IDLE_SECONDS = 86_400
N = TypeVar("N", int, float)


@dataclass(frozen=True, kw_only=True)
class PostgresSettings:
    """Either `secret_arn`, a role's secret, or `iam_role`, a role that has been granted rds_iam.

    `reader_host`: the reader endpoint. `pool_size`: connections of this process at most. `idle_seconds`: how long each
    stays open unused: the cluster's auto-pause interval begins after that.
    """

    host: str
    database: str
    port: int = 5432
    reader_host: str = ""
    secret_arn: str = ""
    iam_role: str = ""
    region: str | None = None
    ca_bundle: str = ""
    pool_size: int = 10
    idle_seconds: float = 60.0

    def __post_init__(self) -> None:
        if bool(self.secret_arn) == bool(self.iam_role):
            got = "both" if self.secret_arn else "neither"
            raise SettingsError(f"secret_arn or iam_role must be given, got {got}")
        if not 1 <= self.pool_size <= MOST_CONNECTIONS:
            raise SettingsError(f"pool_size must be from 1 to {MOST_CONNECTIONS}, got {self.pool_size}")
        if not 1 <= self.idle_seconds <= MOST_IDLE_SECONDS:
            raise SettingsError(f"idle_seconds must be from 1 to {MOST_IDLE_SECONDS}, got {self.idle_seconds:g}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> PostgresSettings:
        """Raises SettingsError: a variable is missing, or no number."""
        iam_role = environment.get(Variable.DB_IAM_ROLE, "")
        return cls(
            host=_required(environment, Variable.DB_HOST),
            database=_required(environment, Variable.DATABASE),
            port=_number(environment, Variable.DB_PORT, cls.port, 65_535),
            reader_host=environment.get(Variable.DB_READER_HOST, ""),
            secret_arn="" if iam_role else _required(environment, Variable.APP_SECRET_ARN),
            iam_role=iam_role,
            ca_bundle=environment.get(Variable.DB_CA_BUNDLE, ""),
            pool_size=_number(environment, Variable.DB_POOL_SIZE, cls.pool_size, MOST_CONNECTIONS),
            idle_seconds=_number(environment, Variable.DB_IDLE_SECONDS, cls.idle_seconds, MOST_IDLE_SECONDS),
        )

    def login(self) -> Login:
        return IamLogin(self.iam_role, self.region) if self.iam_role else SecretLogin(self.secret_arn)


def _required(environment: Mapping[str, str], name: Variable) -> str:
    if value := environment.get(name):
        return value
    raise SettingsError(f"{name} is not set: a direct connection needs it (docs/transports.md)")


def _number(environment: Mapping[str, str], name: Variable, default: N, most: int) -> N:
    """From 1 to `most`; an integer where `default` is one."""
    text = environment.get(name) or str(default)
    kind = type(default)
    try:
        value = kind(text)
    except ValueError:
        value = kind(0)
    if 1 <= value <= most:
        return value
    must = "an integer" if kind is int else "a number"
    raise SettingsError(f"{name} must be {must} from 1 to {most}, got {text[:20]!r}")
