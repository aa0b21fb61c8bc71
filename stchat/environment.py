"""The settings of every program here, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stchat.errors import SettingsError

EMBEDDING_MODEL = "cohere.embed-multilingual-v3"


@dataclass(frozen=True)
class Settings:
    """ARNs of the cluster and of the secret to log in with; the database where one is needed."""

    cluster_arn: str
    secret_arn: str
    database: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        return cls(
            cluster_arn=_needed(environment, "STCHAT_CLUSTER_ARN"),
            secret_arn=_needed(environment, "STCHAT_SECRET_ARN"),
            database=environment.get("STCHAT_DATABASE", "postgres"),
        )


@dataclass(frozen=True)
class ApplicationSettings:
    """What the application runs with: the secret is the role st_chat_app's, not the master's."""

    cluster_arn: str
    secret_arn: str
    database: str
    embedding_model: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ApplicationSettings:
        return cls(
            cluster_arn=_needed(environment, "STCHAT_CLUSTER_ARN"),
            secret_arn=_needed(environment, "STCHAT_APP_SECRET_ARN"),
            database=_needed(environment, "STCHAT_DATABASE"),
            embedding_model=environment.get("STCHAT_EMBEDDING_MODEL", EMBEDDING_MODEL),
        )


def _needed(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise SettingsError(f'{name} is not set: run eval "$(local-aws env)", or take it from the outputs of the stacks')
