"""Faults on demand: what a client must live through on AWS, by rule."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from local.data_api.errors import ApiError, bad_request


class Kind(StrEnum):
    """What happens; `_after` means that the statement has run, but the client is not told."""

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
        """Add a rule from the control API's JSON."""
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
