"""Filters over metadata: the `$eq`, `$and` dialect, checked here and written as the nodes that the database evaluates
(docs/decisions/0431). A filter is data: no text of it becomes SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stchat.chat import validation
from stchat.errors import InputError

DEPTH = 8  # of $and, $or and $not in each other
CONDITIONS = 100
BYTES = 16_384

Node = list[Any]

_COMPARISONS = {"$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}
_OPERATORS = ("$eq", "$ne", *_COMPARISONS, "$in", "$nin", "$exists", "$not")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(value: Any, field: str = "filter") -> Node | None:
    """The filter as a node of st_chat_matches; None: it is empty, and everything matches.

    Raises:
        InputError: names the place, as in `filter.$or[1].price.$gt`.
    """
    if isinstance(value, Mapping) and not value:
        return None
    node = _Parser().filter(field, value, 1)
    size = len(json.dumps(node, ensure_ascii=False).encode())
    if size > BYTES:
        raise InputError(
            field, f"have at most {BYTES:,} bytes of JSON", f"{size:,}", "ask for less, or in several calls"
        )
    return node


class _Parser:
    """`conditions`: how many there were."""

    def __init__(self) -> None:
        self.conditions = 0

    def filter(self, place: str, value: Any, depth: int) -> Node:
        if not isinstance(value, Mapping):
            raise InputError(place, "be a JSON object, such as a dict", validation.describe(value))
        if not value:
            raise InputError(place, "not be empty", "{}")
        if depth > DEPTH:
            raise InputError(place, f"lie at most {DEPTH} deep in $and, $or and $not", f"depth {depth}")
        nodes = []
        for key, asked in value.items():
            inner = _inner(place, key)
            if key in ("$and", "$or"):
                members = _list(inner, asked)
                if not members:
                    raise InputError(inner, "not be empty", "[]")
                parts = [self.filter(f"{inner}[{n}]", member, depth + 1) for n, member in enumerate(members)]
                nodes.append([key[1:], *parts])
            elif key == "$not":
                nodes.append(["not", self.filter(inner, asked, depth + 1)])
            elif key.startswith("$"):
                raise InputError(
                    inner, "be $and, $or, $not or a field of the metadata", "another operator in its place"
                )
            else:
                nodes.append(self._field(inner, key, asked, depth))
        return _all(nodes)

    def _field(self, place: str, name: str, asked: Any, depth: int) -> Node:
        """Of one field: a value, or an object of operators."""
        _json(place, name)
        if not isinstance(asked, Mapping) or not any(str(key).startswith("$") for key in asked) or _is_time(asked):
            return self._equal(place, name, asked)
        if depth > DEPTH:
            raise InputError(place, f"lie at most {DEPTH} deep in $and, $or and $not", f"depth {depth}")
        nodes: list[Node] = []
        for operator, operand in asked.items():
            inner = _inner(place, operator)
            if operator == "$eq":
                nodes.append(self._equal(inner, name, operand))
            elif operator == "$ne":
                nodes.append(["not", self._equal(inner, name, operand)])
            elif operator in _COMPARISONS:
                nodes.append(self._compared(inner, name, _COMPARISONS[operator], operand))
            elif operator == "$in":
                nodes.append(self._among(inner, name, operand))
            elif operator == "$nin":
                nodes.append(["not", self._among(inner, name, operand)])
            elif operator == "$exists":
                if not isinstance(operand, bool):
                    raise InputError(inner, "be true or false", validation.describe(operand))
                self._count(inner)
                nodes.append(["exists", name, operand])
            elif operator == "$not":
                if not isinstance(operand, Mapping) or not operand:
                    raise InputError(inner, "be an object of operators", validation.describe(operand))
                nodes.append(["not", self._field(inner, name, operand, depth + 1)])
            else:
                raise InputError(inner, f"be one of {', '.join(_OPERATORS)}", "another operator")
        return _all(nodes)

    def _equal(self, place: str, name: str, value: Any) -> Node:
        self._count(place)
        micros = _micros(place, value)
        return ["eq", name, _json(place, value)] if micros is None else ["eq", name, micros, True]

    def _compared(self, place: str, name: str, operator: str, value: Any) -> Node:
        self._count(place)
        if (micros := _micros(place, value)) is not None:
            return [operator, name, micros, True]
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InputError(place, "be a number, a text or a time", validation.describe(value))
        return [operator, name, _json(place, value)]

    def _among(self, place: str, name: str, values: Any) -> Node:
        self._count(place)
        plain, nodes = [], []
        for n, value in enumerate(_list(place, values)):
            inner = f"{place}[{n}]"
            if (micros := _micros(inner, value)) is None:
                plain.append(_json(inner, value))
            else:
                nodes.append(["eq", name, micros, True])
        return ["or", ["in", name, plain], *nodes] if nodes else ["in", name, plain]

    def _count(self, place: str) -> None:
        self.conditions += 1
        if self.conditions > CONDITIONS:
            raise InputError(place, f"be one of at most {CONDITIONS} conditions", "one more", "$in takes many values")


def _all(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else ["and", *nodes]


def _inner(place: str, key: Any) -> str:
    if not isinstance(key, str):
        raise InputError(place, "have keys that are text", validation.describe(key))
    return f"{place}.{key[:64].encode(errors='replace').decode()}"


def _list(place: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(place, "be a list", validation.describe(value))
    return value


def _is_time(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"$time"}


def _micros(place: str, value: Any) -> int | None:
    """Of a datetime, or {"$time": ISO 8601}: microseconds since 1970. None: it is no time."""
    if _is_time(value):
        place, value = f"{place}.$time", value["$time"]
    elif not isinstance(value, datetime):
        return None
    return (datetime.fromisoformat(validation.moment(place, value)) - _EPOCH) // timedelta(microseconds=1)


def _json(place: str, value: Any) -> Any:
    """A value that jsonb holds."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InputError(place, "be a value that JSON holds, or a datetime", validation.describe(value)) from None
    validation.text(place, validation.without_nul(place, written))  # what UTF-8 holds
    return json.loads(written)
