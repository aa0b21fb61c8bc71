"""What a row is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Source(StrEnum):
    """How we know what AWS answers."""

    MODEL = "model"
    GUIDE = "guide"
    MEASURED = "measured by others"
    ASSUMED = "assumed"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`sql` is executed after `setup`, in a transaction of its own unless `outside`.

    `request` are further members. The answer is `records` of a query, or the whole `body`, or an `error` with its
    `status` and `message`.
    """

    says: str
    source: Source
    sql: str = "SELECT 1"
    setup: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    records: list[list[dict[str, Any]]] | None = None
    body: Mapping[str, Any] | None = None
    error: str | None = None
    status: int = 400
    message: str | None = None
    outside: bool = False
    path: str = "/Execute"


def parameter(name: str, value: Mapping[str, Any], hint: str | None = None) -> dict[str, Any]:
    return {"name": name, "value": value} | ({} if hint is None else {"typeHint": hint})


def value(says: str, sql: str, field: dict[str, Any], source: Source = Source.GUIDE, **more: Any) -> Rule:
    """A query of one value."""
    return Rule(says=says, sql=f"SELECT {sql}", records=[[field]], source=source, **more)


def refused(says: str, sql: str, message: str, source: Source = Source.MEASURED) -> Rule:
    """A value that the Data API does not return."""
    return Rule(
        says=says, sql=f"SELECT {sql}", error="UnsupportedResultException", message=message, source=source, outside=True
    )


def sent(says: str, sql: str, *parameters: dict[str, Any], source: Source = Source.GUIDE, **answer: Any) -> Rule:
    """A statement with parameters."""
    return Rule(says=says, sql=sql, request={"parameters": list(parameters)}, source=source, **answer)


def database_error(says: str, sql: str, message: str, source: Source = Source.MEASURED, **more: Any) -> Rule:
    return Rule(says=says, sql=sql, error="DatabaseErrorException", message=message, source=source, **more)
