"""The settings of every program here, from the environment. Constructs write what handlers read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from stchat.errors import SettingsError

EMBEDDING_MODEL = "cohere.embed-multilingual-v3"
MOST_DAYS = 36_500
SHOWN = 200  # characters of a value in an error
POOL = "pool of stchat, closes after"
"""What a pooled connection's name begins with, which `stchat doctor` lists."""


class Variable(StrEnum):
    """Every variable of this project's own, by its purpose."""

    CLUSTER_ARN = "STCHAT_CLUSTER_ARN"
    SECRET_ARN = "STCHAT_SECRET_ARN"
    """The master's secret: migrations, rotation, operators."""
    APP_SECRET_ARN = "STCHAT_APP_SECRET_ARN"
    """The secret of the role st_chat_app: the application."""
    READ_SECRET_ARN = "STCHAT_READ_SECRET_ARN"
    """The secret of the role st_chat_read, for `stchat smoke`."""
    DATABASE = "STCHAT_DATABASE"
    EMBEDDING_MODEL = "STCHAT_EMBEDDING_MODEL"
    MEMORY_DAYS = "STCHAT_MEMORY_DAYS"
    """After how many days a memory expires that has no time of its own; never unless set."""
    HISTORY_DAYS = "STCHAT_HISTORY_DAYS"
    """The same of a turn."""
    EMBEDDING_REGION = "STCHAT_EMBEDDING_REGION"
    """Where Bedrock is asked for embeddings; the cluster's region unless set."""
    CHAT_FUNCTION = "STCHAT_CHAT_FUNCTION"
    """The name of the chat function, for `stchat smoke`."""
    CHAT_MODEL = "STCHAT_CHAT_MODEL"
    """Bedrock's id of the model that answers on the example's page."""
    DB_HOST = "STCHAT_DB_HOST"
    """The cluster's endpoint, for a direct connection (stchat.postgres)."""
    DB_PORT = "STCHAT_DB_PORT"
    DB_READER_HOST = "STCHAT_DB_READER_HOST"
    """The reader endpoint, where recall goes if this is set."""
    DB_IAM_ROLE = "STCHAT_DB_IAM_ROLE"
    """The role that logs in by IAM, instead of by the secret of STCHAT_APP_SECRET_ARN."""
    DB_CA_BUNDLE = "STCHAT_DB_CA_BUNDLE"
    """The file with AWS's certificate authorities."""
    DB_POOL_SIZE = "STCHAT_DB_POOL_SIZE"
    DB_IDLE_SECONDS = "STCHAT_DB_IDLE_SECONDS"
    """How long a connection stays open unused."""
    LANG = "STCHAT_LANG"
    """The language of messages, `en` or `ja`; the locale's unless set."""


CLUSTER = re.compile(r"arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:cluster:[A-Za-z][A-Za-z0-9-]{0,62}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_SECRET_CHARACTERS = 11  # at least, of what the Data API takes for a secret: its ARN, or its name
DATABASE_BYTES = 63  # of a name in PostgreSQL
_FROM = "take it from the outputs of the stacks"
NAMES = tuple(variable.value for variable in Variable)


@dataclass(frozen=True)
class Settings:
    """ARNs of the cluster and of the secret to log in with; the database where one is needed."""

    cluster_arn: str
    secret_arn: str
    database: str = "postgres"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        return cls(
            cluster_arn=_cluster_arn(environment),
            secret_arn=_secret_arn(environment, Variable.SECRET_ARN),
            database=database_of(environment.get(Variable.DATABASE) or cls.database),
        )

    def to_environment(self) -> dict[str, str]:
        """What `from_environment` reads; the default database is left out."""
        return _written(
            {Variable.CLUSTER_ARN: self.cluster_arn, Variable.SECRET_ARN: self.secret_arn}
            | ({} if self.database == Settings.database else {Variable.DATABASE: self.database})
        )


@dataclass(frozen=True)
class ApplicationSettings:
    """What the application runs with: the secret is that of the role st_chat_app, not the master's."""

    cluster_arn: str
    secret_arn: str
    database: str
    embedding_model: str = EMBEDDING_MODEL
    embedding_region: str | None = None
    memory_expires_after: timedelta | None = None
    history_expires_after: timedelta | None = None
    """Whole days; None: never."""

    @property
    def bedrock_region(self) -> str | None:
        """Where the embedding model is asked: where its ARN says so, there."""
        return region_of(self.embedding_model) or self.embedding_region or region_of(self.cluster_arn)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ApplicationSettings:
        return cls(
            cluster_arn=_cluster_arn(environment),
            secret_arn=_secret_arn(environment, Variable.APP_SECRET_ARN),
            database=database_of(_required(environment, Variable.DATABASE)),
            embedding_model=environment.get(Variable.EMBEDDING_MODEL) or cls.embedding_model,
            memory_expires_after=days(environment, Variable.MEMORY_DAYS),
            history_expires_after=days(environment, Variable.HISTORY_DAYS),
            embedding_region=_region(environment, Variable.EMBEDDING_REGION),
        )

    def to_environment(self) -> dict[str, str]:
        """What `from_environment` reads; what never expires is left out."""
        expiry = {
            Variable.MEMORY_DAYS: self.memory_expires_after,
            Variable.HISTORY_DAYS: self.history_expires_after,
        }
        return _written(
            {
                Variable.CLUSTER_ARN: self.cluster_arn,
                Variable.APP_SECRET_ARN: self.secret_arn,
                Variable.DATABASE: self.database,
                Variable.EMBEDDING_MODEL: self.embedding_model,
            }
            | {name: str(after.days) for name, after in expiry.items() if after is not None}
            | ({Variable.EMBEDDING_REGION: self.embedding_region} if self.embedding_region else {})
        )


def days(environment: Mapping[str, str], name: Variable) -> timedelta | None:
    """A number of days, or None where the variable is not set.

    Raises:
        SettingsError: it is not a number from 1 to 36,500.
    """
    text = environment.get(name) or ""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_DAYS):
        raise SettingsError(f"{name} must be a number of days from 1 to {MOST_DAYS:,}, got {text[:20]!r}: or unset it")
    return timedelta(days=int(text))


def region_of(arn: str) -> str | None:
    """The region that an ARN names, or None: then boto3 looks for one (AWS_DEFAULT_REGION, the profile)."""
    parts = arn.split(":")
    return parts[3] if len(parts) >= 6 and parts[0] == "arn" and parts[3] else None


def _cluster_arn(environment: Mapping[str, str]) -> str:
    """Of a secret the Data API takes the name too; of a cluster the ARN alone."""
    value = _required(environment, Variable.CLUSTER_ARN)
    if not CLUSTER.fullmatch(value):
        raise SettingsError(
            f"{Variable.CLUSTER_ARN} must be like arn:aws:rds:ap-northeast-1:123456789012:cluster:name, got"
            f" {_shown(value)}: {_FROM}"
        )
    return value


def _secret_arn(environment: Mapping[str, str], name: Variable) -> str:
    """What is there instead may be the secret itself, so it is not shown."""
    value = _required(environment, name)
    if len(value) < _SECRET_CHARACTERS:
        must = f"must be a secret's ARN, or its name of {_SECRET_CHARACTERS} characters or more"
        raise SettingsError(f"{name} {must}, got text of {len(value)} characters: {_FROM}")
    return value


def database_of(value: str, field: str = Variable.DATABASE) -> str:
    """Raises SettingsError, which names `field`: no database can have this name."""
    if (size := len(value.encode(errors="replace"))) > DATABASE_BYTES:
        raise SettingsError(
            f"{field} must be a database's name, of at most {DATABASE_BYTES} bytes, got {_shown(value)} of {size:,}"
            f" bytes: {_FROM}"
        )
    return value


def _region(environment: Mapping[str, str], name: Variable) -> str | None:
    value = environment.get(name) or None
    if value is not None and not _REGION.fullmatch(value):
        raise SettingsError(
            f"{name} must be a region like ap-northeast-1, got {_shown(value)}: unset it for the region of"
            f" {Variable.CLUSTER_ARN}"
        )
    return value


def _shown(value: str) -> str:
    return value if value.isprintable() and len(value) <= SHOWN else f"text of {len(value):,} characters"


def _written(variables: Mapping[Variable, str]) -> dict[str, str]:
    return {variable.value: value for variable, value in variables.items()}


def _required(environment: Mapping[str, str], name: Variable) -> str:
    if value := environment.get(name):
        return value
    raise SettingsError(f'{name} is not set: run eval "$(local-aws env)", or {_FROM}')
