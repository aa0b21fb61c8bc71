"""What filters match, by a predicate in Python; and recall with them, with what has expired, and by age."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from stchat.chat import filters
from tests.support.migrated_database import MigratedDatabase

DOCUMENTS = 10_000
FIELDS = ("a", "b", "at", "x.$y", "あ'\"")
TIMES = (
    "2026-01-31T09:30:00+09:00", "2026-01-31T00:30:00Z", "2026-01-31 00:30:00.5Z", "2026-01-31", "2024-02-29",
    "2026-01-31T00:30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "2026-02-29", "2026-13-01",
    "2026-01-31T24:00:00Z", "2026-1-1", "２０２６-01-31", "2026-01-31T00:30:00Z\n", "0000-01-01",
)  # fmt: skip
SCALARS = (
    None, True, False, 0, -0.0, 1, 1.0, -1, 2, 0.1, 1e300, 2**53 + 1, 10**30, "", "a", "A", "b", "é", "e\u0301", "z",
    "あ", "\U0001f600", "1", "true", "null", "it's", "\\", "%", *TIMES,
)  # fmt: skip
VALUES: tuple[Any, ...] = (*SCALARS, [], [1], [1, "a"], {}, {"b": 1}, {"b": [None]})
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9:]+)?)?")


def test_10_000_documents_and_filters_match_as_in_python(migrated: MigratedDatabase) -> None:
    chance = random.Random(20261126)
    cases = [(document(chance), asked(chance, 3)) for _ in range(DOCUMENTS)]
    nodes = [json.dumps(filters.parse(one)) for _, one in cases]
    documents = [json.dumps(one) if one is not None else None for one, _ in cases]
    sql = "SELECT st_chat_matches(d, f) FROM unnest(%s::jsonb[], %s::jsonb[]) WITH ORDINALITY AS u (d, f, n) ORDER BY n"
    with migrated.endpoint.psql(migrated.master.database) as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'SQL, DMY'")
        found = [matched for [matched] in connection.execute(sql.encode(), [documents, nodes]).fetchall()]
    expected = [matches(one or {}, by) for one, by in cases]
    assert [(case, held) for case, held, so in zip(cases, found, expected, strict=True) if held is not so] == []
    assert 0.2 < sum(expected) / DOCUMENTS < 0.8


def document(chance: random.Random) -> dict[str, Any] | None:
    chosen = {name: chance.choice(VALUES) for name in FIELDS if chance.random() < 0.7}
    return chosen if chance.random() < 0.98 else None


def asked(chance: random.Random, depth: int) -> dict[str, Any]:
    kind = chance.random() if depth else 1
    if kind < 0.3:
        return {chance.choice(("$and", "$or")): [asked(chance, depth - 1) for _ in range(chance.randint(1, 3))]}
    if kind < 0.4:
        return {"$not": asked(chance, depth - 1)}
    return {name: condition(chance, depth) for name in chance.sample(FIELDS, chance.choice((1, 1, 2)))}


def condition(chance: random.Random, depth: int) -> Any:
    if chance.random() < 0.15:
        return chance.choice((operand(chance), *VALUES))
    chosen: dict[str, Any] = {}
    for operator in chance.sample(("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$not"), 1):
        if operator == "$exists":
            chosen[operator] = chance.random() < 0.5
        elif operator == "$not":
            chosen[operator] = condition(chance, 0) if depth else {"$exists": True}
            if not isinstance(chosen[operator], dict) or not chosen[operator]:
                chosen[operator] = {"$eq": chosen[operator]}
        elif operator in ("$in", "$nin"):
            chosen[operator] = [chance.choice((operand(chance), *VALUES)) for _ in range(chance.randint(0, 4))]
        elif operator in ("$eq", "$ne"):
            chosen[operator] = chance.choice((operand(chance), *VALUES))
        else:
            chosen[operator] = operand(chance)
    return chosen


def operand(chance: random.Random) -> Any:
    """A number, a text or a time."""
    if chance.random() < 0.4:
        moment = datetime.fromisoformat(chance.choice(TIMES[:3])) + timedelta(microseconds=chance.choice((0, 0, 1)))
        return chance.choice((moment, {"$time": moment.isoformat()}))
    return chance.choice([one for one in SCALARS if isinstance(one, int | float | str) and not isinstance(one, bool)])


def matches(held: Mapping[str, Any], by: Mapping[str, Any]) -> bool:
    """The predicate: written from the documents alone."""
    for key, value in by.items():
        if key == "$and":
            good = all(matches(held, one) for one in value)
        elif key == "$or":
            good = any(matches(held, one) for one in value)
        elif key == "$not":
            good = not matches(held, value)
        else:
            good = field_matches(held, key, value)
        if not good:
            return False
    return True


def field_matches(held: Mapping[str, Any], name: str, by: Any) -> bool:
    if not isinstance(by, dict) or set(by) == {"$time"} or not any(key.startswith("$") for key in by):
        by = {"$eq": by}
    return all(holds(held, name, operator, other) for operator, other in by.items())


def holds(held: Mapping[str, Any], name: str, operator: str, other: Any) -> bool:
    value = held.get(name)
    match operator:
        case "$eq" | "$ne":
            return same(value, other) is (operator == "$eq")
        case "$in" | "$nin":
            return any(same(value, one) for one in other) is (operator == "$in")
        case "$exists":
            return (name in held) is bool(other)
        case "$not":
            return not field_matches(held, name, other)
    order = compared(value, other)
    return {"$gt": order > 0, "$gte": order >= 0, "$lt": order < 0, "$lte": order <= 0}[operator]


def same(value: Any, other: Any) -> bool:
    if (moment := time_of(other)) is not None:
        return parsed(value) == moment
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(same(a, b) for a, b in zip(value, other, strict=True))
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(same(value[key], other[key]) for key in value)
    return kind(value) == kind(other) and value == other


def compared(value: Any, other: Any) -> float:
    """Below 0, 0, or above; nan: they are of different kinds."""
    if (moment := time_of(other)) is not None:
        value, other = parsed(value), moment
    if value is None or kind(value) != kind(other) or kind(value) not in ("number", "text", "time"):
        return float("nan")
    return float(value > other) - float(value < other)


def kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    names = {int: "number", float: "number", str: "text", datetime: "time", list: "list", dict: "dict"}
    return names[type(value)]


def time_of(operand: Any) -> datetime | None:
    if isinstance(operand, dict) and set(operand) == {"$time"}:
        return datetime.fromisoformat(operand["$time"])
    return operand if isinstance(operand, datetime) else None


def parsed(value: Any) -> datetime | None:
    """Without a zone in UTC."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
