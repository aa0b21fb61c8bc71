"""Faults on demand: what a client must handle on AWS, by rule."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

from local_aws.data_api.errors import ApiError, bad_request


class Kind(StrEnum):
    """What happens; `_after` means that the statement has run, but the client gets no result."""

    THROTTLE = "throttle"
    LATENCY = "latency"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"


@dataclass
class Fault:
    """Applies to `count` calls (-1: all) of `operation` (None: any) whose SQL contains a match of `sql`.

    `seconds` is the latency; `error` the name of the error, one of those that are answered with a 5xx.
    """

    kind: Kind
    operation: str | None = None
    sql: str = ""
    count: int = 1
    seconds: float = 0.0
    error: str = "InternalServerErrorException"
    applied: int = field(default=0)

    def __post_init__(self) -> None:
        self.kind = Kind(self.kind)
        re.compile(self.sql)
        ApiError(self.error)


class Faults:
    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, values: dict[str, Any]) -> None:
        """Add a rule from the admin API's JSON."""
        try:
            self._rules.append(Fault(**values))
        except (TypeError, ValueError, KeyError, re.error) as error:
            raise bad_request(f"not a fault: {error}") from None

    def clear(self) -> None:
        self._rules.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._rules]

    def next(self, operation: str, sql: str) -> Fault | None:
        """The first rule that applies to this call, if one does; it is used up by that."""
        for rule in self._rules:
            if rule.count != 0 and rule.operation in (None, operation) and re.search(rule.sql, sql):
                rule.count -= rule.count > 0
                rule.applied += 1
                return rule
        return None


async def before(http: web.Request, fault: Fault) -> None:
    """What the fault does ahead of the call.

    Raises:
        ApiError: the call shall not be made.
    """
    if fault.kind == Kind.THROTTLE:
        raise ApiError("ThrottlingException", "Rate exceeded")
    if fault.kind == Kind.LATENCY:
        await asyncio.sleep(fault.seconds)
    if fault.kind == Kind.ERROR_BEFORE:
        raise ApiError(fault.error, "Fault on demand, before the statement ran")
    if fault.kind == Kind.DROP_BEFORE:
        _drop(http)


def after(http: web.Request, fault: Fault) -> None:
    """What the fault does once the call has been made.

    Raises:
        ApiError: the caller shall not get the result.
    """
    if fault.kind == Kind.ERROR_AFTER:
        raise ApiError(fault.error, "Fault on demand, after the statement ran")
    if fault.kind == Kind.DROP_AFTER:
        _drop(http)


def _drop(http: web.Request) -> None:
    if http.transport is not None:
        http.transport.abort()
    raise ApiError("InternalFailure")
