"""A running cluster as `doctor` finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

SERVERLESS = "db.serverless"
ASLEEP, AWAKE, UNKNOWN = "asleep", "awake", "asleep or awake, not known"


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
    """Those of its template that can be compared, by the template's name: what is there now."""
    template: Mapping[str, Any]
    """And what its template says."""


@dataclass(frozen=True)
class Secret:
    name: str
    rotates: bool
    every: str
    last: datetime | None
    due: datetime | None
    pending: bool
    """A version waits to become the current one: a rotation runs, or has stopped half-way."""
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
class Unread:
    """What could not be read, and why."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """None: not known, or not told."""

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
    unread: tuple[Unread, ...]
