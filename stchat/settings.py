"""The settings of every program here, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stchat.errors import SettingsError


@dataclass(frozen=True)
class Settings:
    """ARNs of the cluster and of the secret to log in with; the database where one is needed."""

    cluster_arn: str
    secret_arn: str
    database: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        def needed(name: str) -> str:
            if value := environment.get(name):
                return value
            raise SettingsError(
                f'{name} is not set: run eval "$(python -m local env)", or take it from the outputs of the stacks'
            )

        return cls(
            cluster_arn=needed("STCHAT_CLUSTER_ARN"),
            secret_arn=needed("STCHAT_SECRET_ARN"),
            database=environment.get("STCHAT_DATABASE", "postgres"),
        )
