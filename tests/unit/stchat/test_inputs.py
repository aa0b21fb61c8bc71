"""What callers give: what passes, and that an error shows the field and never a text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stchat.chat import validation
from stchat.chat.batches import BATCH_BYTES, BATCH_ITEMS, batches, expiry, prepare
from stchat.chat.vectors import DIMENSIONS
from stchat.errors import InputError

SECRET = "a-text-that-no-error-shows"
NUL = "not hold NUL, which PostgreSQL cannot store, got one"
LOOP: dict[str, Any] = {}
LOOP["loop"] = LOOP
ITEM: dict[str, Any] = {"userid": "u", "theme": "t", "chatid": 1, "summary": "s"}


@pytest.mark.parametrize("value", ["u", "あ" * 333, "x" * 1000, "\u202e\U0001f469\u200d\U0001f4bb'; DROP TABLE t; --"])
def test_names(value: str) -> None:
    assert validation.name("userid", value) == value


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
def test_any_text_without_nul(value: str) -> None:
    assert validation.text("userinput", value) == value


@pytest.mark.parametrize(
    "value",
    [{}, {"a": [1, -0.5, None, True, {"b": "あ"}]}, {"a": "\\u0000"}, MappingProxyType({"a": 1}), {"a": "x" * 16_000}],
    ids=range(5),
)
def test_metadata(value: dict[str, Any]) -> None:
    assert prepare(ITEM | {"metadata": value}).columns["metadata"] == value


REFUSED: list[tuple[Callable[[str, Any], object], Any, str]] = [
    (validation.name, "", "f must not be empty, got ''"),
    (validation.name, SECRET + "\0", f"f must {NUL} at character 27: remove it"),
    (
        validation.name,
        SECRET + "\ud800",
        "f must be text that UTF-8 can hold, got half of a surrogate pair at character 27:"
        " decode its source with errors='replace'",
    ),
    (
        validation.name,
        "あ" * 334,
        "f must have at most 1,000 bytes of UTF-8, got 1,002: use a shorter one, such as a hash of it",
    ),
    (validation.name, b"u", "f must be text, got bytes"),
    (validation.name, None, "f must be text, got None"),
    (validation.name, 7, "f must be text, got 7"),
    (
        validation.text,
        "x" * 400_001,
        "f must have at most 400,000 bytes of UTF-8, got 400,001: store a longer text elsewhere, and its address here",
    ),
    (validation.non_blank, "", "f must not be blank, got ''"),
    (validation.non_blank, " \n\u3000", "f must not be blank, got 3 blank characters"),
    (validation.bigint_id, -1, "f must be an integer from 0 to 9223372036854775807, got -1"),
    (validation.bigint_id, 2**63, "f must be an integer from 0 to 9223372036854775807, got 9223372036854775808"),
    (
        validation.bigint_id,
        10**5000,
        "f must be an integer from 0 to 9223372036854775807, got a number past 64 bits",
    ),
    (validation.bigint_id, True, "f must be an integer from 0 to 9223372036854775807, got True"),
    (validation.bigint_id, 1.0, "f must be an integer from 0 to 9223372036854775807, got 1.0"),
    (validation.bigint_id, SECRET, "f must be an integer from 0 to 9223372036854775807, got text of 26 characters"),
    (validation.metadata, [SECRET], "f must be a JSON object, such as a dict, got list"),
    (
        validation.metadata,
        {"a": float("nan")},
        "f must be a JSON object, got a value that JSON cannot hold (ValueError)",
    ),
    (validation.metadata, {"a": {SECRET}}, "f must be a JSON object, got a value that JSON cannot hold (TypeError)"),
    (validation.metadata, LOOP, "f must be a JSON object, got a value that JSON cannot hold (ValueError)"),
    (
        validation.metadata,
        {1: SECRET},
        "f must be the same after JSON, got keys that are not str, or tuples: use str and list",
    ),
    (validation.metadata, {"a": SECRET + "\0"}, f"f must {NUL}: remove it"),
    (validation.metadata, {"a\0": 1}, f"f must {NUL}: remove it"),
    (validation.metadata, {"a": "\\\0"}, f"f must {NUL}: remove it"),
    (
        validation.metadata,
        {"a": "x" * 16_384},
        "f must have at most 16,384 bytes of UTF-8, got 16,393: put a longer text into the summary",
    ),
]


@pytest.mark.parametrize(("check", "value", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(check: Callable[[str, Any], object], value: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        check("f", value)
    assert str(raised.value) == message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"userid": "u", "theme": "t", "chatid": 1}, "items[3].summary must be given, got none"),
        (ITEM | {"theme": ""}, "items[3].theme must not be empty, got ''"),
        (ITEM | {"vector": [0.1]}, "items[3].vector must have 1,024 dimensions, got 1: use the model that wrote the"
         " memories"),
        (ITEM | {SECRET: 1}, "items[3] must have no fields but userid, theme, chatid, summary, metadata, vector,"
         " embedding_model, id, expires_at, created_at, updated_at, got 1 others"),
        ([SECRET], "items[3] must be a mapping, such as a dict, got list"),
    ],
)  # fmt: skip
def test_an_error_names_the_item(item: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        prepare(item, "items[3].")
    assert str(raised.value) == message


@pytest.mark.parametrize("text", ["x", "あ", "\x01", '"', "\U0001f600"])
@pytest.mark.parametrize(("count", "length"), [(200, 1), (45, 90_000)])
def test_batches_keep_the_order_and_the_limits(text: str, count: int, length: int) -> None:
    items = [
        prepare(ITEM | {"chatid": n, "summary": text * length, "vector": [1.0] * DIMENSIONS}) for n in range(count)
    ]
    found = list(batches(items))
    assert [item for batch in found for item in batch] == items
    assert all(len(batch) <= BATCH_ITEMS and sum(item.size for item in batch) <= BATCH_BYTES for batch in found)
    assert len(found) > 1


def test_no_items_are_no_batches() -> None:
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("after", "got"),
    [(timedelta(0), "0:00:00"), (timedelta(days=-1), "-1 day, 0:00:00"), (3600, "3600"), ("x", "text of 1 characters"),
     (timedelta.max, str(timedelta.max))],
)  # fmt: skip
def test_a_default_expiry_that_cannot_be(after: Any, got: str) -> None:
    with pytest.raises(InputError) as raised:
        expiry(after)
    assert str(raised.value) == (
        f"expires_after must be a timedelta above 0, of at most 36,500 days, got {got}: None for never"
    )
