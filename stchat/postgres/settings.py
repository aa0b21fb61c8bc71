"""The settings of a program with a direct connection, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stchat.environment import Variable
from stchat.errors import SettingsError
from stchat.postgres.login import IamLogin, Login, SecretLogin


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
        if self.pool_size < 1:
            raise SettingsError(f"pool_size must be 1 or more, got {self.pool_size}")
        if not 1 <= self.idle_seconds <= 86_400:
            raise SettingsError(f"idle_seconds must be from 1 to 86400, got {self.idle_seconds:g}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> PostgresSettings:
        """Raises SettingsError: a variable is missing, or no number."""
        iam_role = environment.get(Variable.DB_IAM_ROLE, "")
        return cls(
            host=_required(environment, Variable.DB_HOST),
            database=_required(environment, Variable.DATABASE),
            port=int(_number(environment, Variable.DB_PORT, cls.port)),
            reader_host=environment.get(Variable.DB_READER_HOST, ""),
            secret_arn="" if iam_role else _required(environment, Variable.APP_SECRET_ARN),
            iam_role=iam_role,
            ca_bundle=environment.get(Variable.DB_CA_BUNDLE, ""),
            pool_size=int(_number(environment, Variable.DB_POOL_SIZE, cls.pool_size)),
            idle_seconds=_number(environment, Variable.DB_IDLE_SECONDS, cls.idle_seconds),
        )

    def login(self) -> Login:
        return IamLogin(self.iam_role, self.region) if self.iam_role else SecretLogin(self.secret_arn)


def _required(environment: Mapping[str, str], name: Variable) -> str:
    if value := environment.get(name):
        return value
    raise SettingsError(f"{name} is not set: a direct connection needs it (docs/transports.md)")


def _number(environment: Mapping[str, str], name: Variable, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"{name} must be a number, got {text!r}") from None
