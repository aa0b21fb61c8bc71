"""Python's values to and from PostgreSQL's: the types that the Data API's client binds, and returns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.json import Json
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper, TextLoader

from stchat.errors import DataApiError


def _same(value: Any) -> Any:
    return value


def _utc(moment: datetime) -> datetime:
    """A moment with a zone becomes UTC without one, as the Data API's sessions are."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _json(value: Any) -> Json:
    return Json(value, dumps=json.dumps)


# Python's type -> what psycopg is given. A str is bound as text: cast what is not (`:v::vector`).
_INTO: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys((type(None), bool, int, float, str, bytes, Decimal, UUID, date, time), _same),
    datetime: _utc,
    dict: _json,
    list: _json,
}
# What the Data API returns as text, where psycopg has a type of its own.
_AS_TEXT = ("inet", "cidr", "interval", "timetz")


class _UtcLoader(TimestamptzLoader):
    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


class Adapters:
    """psycopg's AdaptContext of every connection here."""

    connection = None

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        self.adapters.register_dumper(str, StrDumper)
        self.adapters.register_dumper(int, Int8Dumper)
        self.adapters.register_loader("timestamptz", _UtcLoader)
        for name in _AS_TEXT:
            self.adapters.register_loader(name, TextLoader)


def bind(names: Sequence[str], values: Mapping[str, Any]) -> list[Any]:
    """The values in the order of the placeholders.

    Raises:
        TypeError: a value of a type that no transport takes.
        DataApiError: the SQL and the values do not have the same names.
    """
    bound = {name: _bound(name, value) for name, value in values.items()}
    if missing := [name for name in names if name not in bound]:
        raise DataApiError(f"the SQL names the parameter {missing[0]}, which must be given, got none")
    if unused := bound.keys() - set(names):
        raise DataApiError(f"the SQL must name each parameter, got one more: {min(unused)}")
    return [bound[name] for name in names]


def _bound(name: str, value: Any) -> Any:
    try:
        return _INTO[type(value)](value)
    except KeyError:
        known = ", ".join(sorted(kind.__name__ for kind in _INTO))
        raise TypeError(f"parameter {name} must be one of {known}, got {type(value).__name__}") from None
