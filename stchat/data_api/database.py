"""What history and memory ask of a database, whatever the transport: the Data API or a direct connection."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from stchat.data_api.values import Row


@dataclass(frozen=True)
class Result:
    """`rows` by column label, of a query; `updated`, the number of rows that another statement changed."""

    rows: list[Row]
    updated: int


class Statements(Protocol):
    """What a transaction that is open runs."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result: ...


class Database(Protocol):
    """DataApi, and `stchat.postgres.Postgres`. Both raise the errors of `stchat.errors`, and retry what is idempotent
    for as long as `timeout` lasts."""

    @property
    def database(self) -> str: ...
    @property
    def timeout(self) -> float: ...
    def with_timeout(self, seconds: float) -> Database: ...
    def with_database(self, database: str) -> Database: ...
    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, *, idempotent: bool = False) -> Result: ...
    def transaction(self) -> AbstractContextManager[Statements]: ...
