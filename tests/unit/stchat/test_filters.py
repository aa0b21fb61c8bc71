"""What a filter becomes, and which place an error names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from stchat.chat import filters
from stchat.chat.recall import Which
from stchat.errors import InputError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MICROS = 1_767_268_800_000_000
OPERATORS = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $not"


def nested(depth: int) -> dict[str, Any]:
    return {"$not": nested(depth - 1)} if depth > 1 else {"a": 1}


@pytest.mark.parametrize(
    ("given", "node"),
    [
        ({}, None),
        ({"a": 1}, ["eq", "a", 1]),
        ({"a": {"b": 1}}, ["eq", "a", {"b": 1}]),
        ({"a.b": {"$gt": 0.5, "$lte": 2}}, ["and", ["gt", "a.b", 0.5], ["lte", "a.b", 2]]),
        ({"a": {"$ne": None}, "b": {"$exists": False}}, ["and", ["not", ["eq", "a", None]], ["exists", "b", False]]),
        ({"$or": [{"a": {"$in": ["x"]}}, {"a": {"$nin": []}}]}, ["or", ["in", "a", ["x"]], ["not", ["in", "a", []]]]),
        ({"$not": {"a": {"$not": {"$lt": "x"}}}}, ["not", ["not", ["lt", "a", "x"]]]),
        ({"a": {"$gte": NOON}}, ["gte", "a", MICROS, True]),
        ({"a": {"$time": "2026-01-01T21:00:00+09:00"}}, ["eq", "a", MICROS, True]),
        ({"a": {"$in": [1, NOON.astimezone(timezone(timedelta(hours=9)))]}},
         ["or", ["in", "a", [1]], ["eq", "a", MICROS, True]]),
        ({"a'; DROP TABLE t; --": {"$eq": "'"}}, ["eq", "a'; DROP TABLE t; --", "'"]),
        (nested(filters.DEPTH), ["not"]),
    ],
)  # fmt: skip
def test_nodes(given: dict[str, Any], node: list[Any] | None) -> None:
    parsed = filters.parse(given)
    assert parsed == node or (parsed is not None and parsed[:1] == node == ["not"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "filter must be a JSON object, such as a dict, got list"),
        ({1: 2}, "filter must have keys that are text, got 1"),
        ({"$and": []}, "filter.$and must not be empty, got []"),
        ({"$or": {"a": 1}}, "filter.$or must be a list, got dict"),
        ({"$and": [{"a": 1}, {}]}, "filter.$and[1] must not be empty, got {}"),
        ({"$nor": [{"a": 1}]},
         "filter.$nor must be $and, $or, $not or a field of the metadata, got another operator in its place"),
        ({"a": {"$like": "x"}},
         f"filter.a.$like must be one of {OPERATORS}, got another operator"),
        ({"a": {"$gt": 1, "b": 2}},
         f"filter.a.b must be one of {OPERATORS}, got another operator"),
        ({"$or": [{"a": 1}, {"price": {"$gt": True}}]},
         "filter.$or[1].price.$gt must be a number, a text or a time, got True"),
        ({"a": {"$lt": None}}, "filter.a.$lt must be a number, a text or a time, got None"),
        ({"a": {"$in": "xy"}}, "filter.a.$in must be a list, got text of 2 characters"),
        ({"a": {"$exists": 1}}, "filter.a.$exists must be true or false, got 1"),
        ({"a": {"$not": 3}}, "filter.a.$not must be an object of operators, got 3"),
        ({"a": {"$gt": NOON.replace(tzinfo=None)}},
         "filter.a.$gt must have a zone, got a time without one: add +09:00, for instance, or Z for UTC"),
        ({"a": {"$in": [{"$time": "noon"}]}},
         "filter.a.$in[0].$time must be a time in ISO 8601, got text of 4 characters: write it like"
         " 2026-11-25T10:00:00+09:00"),
        ({"a": {1}}, "filter.a must be a value that JSON holds, or a datetime, got set"),
        ({"a": float("nan")}, "filter.a must be a value that JSON holds, or a datetime, got nan"),
        ({"a": "x\0"}, "filter.a must not hold NUL, which PostgreSQL cannot store, got one: remove it"),
        (nested(9), "filter" + 8 * ".$not" + " must lie at most 8 deep in $and, $or and $not, got depth 9"),
        ({f"f{n}": n for n in range(101)},
         "filter.f100 must be one of at most 100 conditions, got one more: $in takes many values"),
        ({"a": "x" * 16_384},
         "filter must have at most 16,384 bytes of JSON, got 16,399: ask for less, or in several calls"),
    ],
)  # fmt: skip
def test_an_error_names_the_place(given: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        filters.parse(given)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recency": 1.1}, "recency must be a number from 0 to 1, got 1.1"),
        ({"recency": "1"}, "recency must be a number from 0 to 1, got text of 1 characters"),
        ({"recency": 0.5}, "half_life must be given with recency, got None: timedelta(days=30), for instance"),
        ({"half_life": 0}, "half_life must be a timedelta, or a number of seconds, above 0 and at most 1e12, got 0"),
        ({"half_life": timedelta(-1)},
         "half_life must be a timedelta, or a number of seconds, above 0 and at most 1e12, got -86400 seconds"),
        ({"half_life": 1e13},
         "half_life must be a timedelta, or a number of seconds, above 0 and at most 1e12, got 10000000000000.0"),
        ({"half_life": "1 day"},
         "half_life must be a timedelta, or a number of seconds, above 0 and at most 1e12, got text of 5 characters"),
        ({"since": "2026-01-01"},
         "since must have a zone, got a time without one: add +09:00, for instance, or Z for UTC"),
        ({"until": 5}, "until must be a time in ISO 8601, got 5: write it like 2026-11-25T10:00:00+09:00"),
    ],
)  # fmt: skip
def test_what_else_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        Which(**given).checked()
    assert str(raised.value) == message


def test_what_is_sent() -> None:
    assert Which(filter={"a": "あ"}, since=NOON, half_life=timedelta(days=1), recency=1).checked() == {
        "filter": '["eq", "a", "あ"]',
        "since": "2026-01-01T12:00:00+00:00",
        "until": None,
        "half_life": 86400.0,
        "recency": 1.0,
    }
    assert Which(filter={}, half_life=5).checked()["filter"] is None
