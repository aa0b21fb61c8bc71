"""A running cluster as `doctor` finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from stchat.ops.sweep import Expired
from stchat.schema.memory_codes import Fit

SERVERLESS = "db.serverless"
PAUSED, RUNNING, UNKNOWN = "paused", "running", "paused or running, not known"


@dataclass(frozen=True)
class Instance:
    identifier: str
    role: str
    """`writer` or `reader`."""
    tier: int
    kind: str
    zone: str
    vpc: str
    subnet_group: str
    security_groups: tuple[str, ...]
    ca: str
    certificate_ends: date | None
    engine_version: str
    status: str
    properties: Mapping[str, Any]
    """The current values of those that its template can be compared with, by the template's name."""
    template: Mapping[str, Any]
    """The template's values."""


@dataclass(frozen=True)
class Secret:
    name: str
    rotates: bool
    every: str
    last: datetime | None
    due: datetime | None
    pending: bool
    """A version is to become the current one: a rotation runs, or has failed half-way."""
    changed: datetime | None


@dataclass(frozen=True)
class Session:
    """A user's open connection. Not the Data API's own: those let a cluster pause."""

    user: str
    database: str
    application: str
    client: str
    since: datetime


@dataclass(frozen=True)
class Extension:
    """Of a database, where the server has a newer version than the database."""

    database: str
    name: str
    installed: str
    available: str


@dataclass(frozen=True)
class ChangedRole:
    """An application's role, and what of its limits is not as migrations have set it."""

    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class ReadFailure:
    """What could not be read, and why."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """None: not known, or not returned by AWS."""

    identifier: str
    arn: str
    status: str
    engine: str
    engine_version: str
    engine_status: str | None
    """AWS's own word: `available` or `deprecated`."""
    min_acu: float | None
    max_acu: float | None
    pause_seconds: int | None
    backup_days: int
    restorable_to: datetime | None
    deletion_protection: bool
    stack: str | None
    properties: Mapping[str, Any]
    template: Mapping[str, Any]
    instances: tuple[Instance, ...]
    proxies: tuple[str, ...]
    global_clusters: tuple[str, ...]
    integrations: tuple[str, ...]
    logical_replication: bool
    secrets: tuple[Secret, ...]
    state: str
    sessions: tuple[Session, ...] | None
    extensions: tuple[Extension, ...] | None
    changed_roles: tuple[ChangedRole, ...] | None
    codes: Mapping[str, Sequence[Fit]] | None = None
    """By database, how recall's codes fit the memories."""
    without_words: Mapping[str, int] | None = None
    """By database, how many memories are not found by their words yet."""
    expired: Mapping[str, Expired] | None = None
    """By database, how many rows have expired, and are not deleted yet."""
    read_failures: tuple[ReadFailure, ...]
