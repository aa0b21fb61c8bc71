"""Memories by their ids: stored under them, read, listed in pages, changed and forgotten; over both transports."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory, Remembered
from stchat.chat.recall import Memory
from stchat.data_api import DataApi
from stchat.errors import InputError
from tests.support.faults import Watched
from tests.support.vectors import axis


def shown(found: list[Memory]) -> list[tuple[str, str, int, str, dict[str, Any] | None]]:
    return [(one.id, one.theme, one.chatid, one.summary, one.metadata) for one in found]


def test_an_id_that_is_there_is_replaced(memory: ChatMemory, user: str) -> None:
    assert memory.remember(user, "t", 1, "first", {"n": 1}, axis(1), id="a")
    [first] = memory.get(user, ["a"])
    assert (first.similarity, first.score, first.semantic, first.lexical) == (None, None, None, None)
    assert first.created_at == first.updated_at
    assert not memory.remember(user, "u", 2, "second", None, axis(2), id="a")
    [second] = memory.get(user, ["a"])
    assert shown([second]) == [("a", "u", 2, "second", None)]
    assert (second.primarykey, second.created_at) == (first.primarykey, first.created_at)
    assert first.updated_at is not None
    assert second.updated_at is not None
    assert second.updated_at > first.updated_at
    assert not memory.remember(user, "u", 2, "second", None, axis(2), id="a")
    assert memory.get(user, ["a"]) == [second], "nothing differed, so nothing has changed"
    assert [one.summary for one in memory.recall_vector(user, axis(2), theme="u")] == ["second"]
    assert memory.recall_vector(user, axis(2), theme="t") == []
    assert [one.summary for one in memory.recall(user, "second", mode="lexical")] == ["second"]
    assert memory.recall(user, "first", mode="lexical") == []


def test_the_same_summary_under_two_ids_and_under_none(memory: ChatMemory, user: str) -> None:
    assert memory.remember(user, "t", 1, "same", None, axis(1), id="a")
    assert memory.remember(user, "t", 1, "same", None, axis(1), id="b")
    assert memory.remember(user, "t", 1, "same", None, axis(1))
    assert not memory.remember(user, "t", 1, "same", {"n": 1}, axis(1))
    assert [(one.id[:2], one.metadata) for one in memory.list(user)] == [("a", None), ("b", None), ("m_", {"n": 1})]


def test_a_made_id_serves_as_an_id(memory: ChatMemory, user: str) -> None:
    """Also after an export and an import of it: it then counts as made, and the summary tells what is the same."""
    memory.remember(user, "t", 1, "same", None, axis(1))
    [made] = memory.list(user)
    assert memory.get(user, [made.id]) == [made]
    assert not memory.remember(user, "t", 1, "changed", None, axis(1), id=made.id)
    assert shown(memory.list(user)) == [(made.id, "t", 1, "changed", None)]
    assert memory.forget(user, [made.id]) == 1
    assert memory.remember(user, "t", 1, "same", None, axis(1), id=made.id)
    assert not memory.remember(user, "t", 1, "same", None, axis(2)), "it is known by its summary"
    another = "m_" + "0" * 32
    assert memory.remember(user, "t", 1, "same", None, axis(2), id=another), "another made id is another memory's"
    assert [one.id for one in memory.list(user)] == [made.id, another]


def test_a_memory_that_becomes_the_same_as_another_stays(memory: ChatMemory, user: str) -> None:
    for summary in ("one", "two"):
        memory.remember(user, "t", 1, summary, None, axis(1))
    one, two = memory.list(user)
    assert memory.update(user, two.id, summary="one")
    assert [(each.id, each.summary) for each in memory.list(user)] == [(one.id, "one"), (two.id, "one")]
    assert not memory.remember(user, "t", 1, "one", {"n": 1}, axis(1))
    assert [each.metadata for each in memory.list(user)] == [{"n": 1}, None]
    assert len(memory.recall_vector(user, axis(1))) == 2


def test_many_with_ids(memory: ChatMemory, user: str) -> None:
    """Of an id that comes twice the last one counts; other users are kept apart."""
    item = {"userid": user, "theme": "t", "chatid": 1, "vector": axis(1)}
    items = [
        item | {"id": f"{number % 3}", "theme": f"t {9 - number}", "summary": f"s {number}"} for number in range(6)
    ]
    others = [item | {"userid": f"other {user}", "id": "0", "summary": "other's"}, item | {"summary": "no id"}]
    assert memory.remember_many(items + others) == Remembered(created=5, existing=3)
    assert sorted(each[3] for each in shown(memory.list(user))) == ["no id", "s 3", "s 4", "s 5"]
    assert memory.remember_many(items + others) == Remembered(created=0, existing=8)


def test_get_in_the_order_asked(memory: ChatMemory, user: str) -> None:
    memory.remember_many(
        {"userid": user, "theme": "t", "chatid": number, "summary": "s", "vector": axis(1)}
        | ({"id": f"id {number}"} if number % 2 else {})
        for number in range(6)
    )
    ids = [one.id for one in memory.list(user)]
    asked = [ids[4], "none", ids[1], ids[0], ids[1], "m_" + "f" * 32]
    assert [one.chatid for one in memory.get(user, asked)] == [4, 1, 0]


def test_pages_are_stable_while_others_write(memory: ChatMemory, user: str) -> None:
    def add(number: int) -> None:
        memory.remember(user, f"t {number % 2}", number, "s", None, axis(1), id=f"id {number}")

    for number in range(10):
        add(number)
        memory.remember(f"other {user}", "t 0", number, "s", None, axis(1))
    first = memory.list(user, limit=4)
    add(10)
    memory.remember(user, "t 1", 0, "changed", None, axis(2), id="id 0")
    memory.forget(user, ["id 3", "id 5"])
    assert [one.chatid for one in first] == [0, 1, 2, 3]
    with pytest.raises(InputError) as raised:
        memory.list(user, after=first[-1].id)
    assert str(raised.value) == (
        "after must be the id of a memory of this user, got text of 4 characters: it may have been deleted:"
        " its primarykey serves as well"
    )
    second = memory.list(user, after=first[-1].primarykey, limit=4)
    third = memory.list(user, after=second[-1].id, limit=4)
    assert [one.chatid for one in second + third] == [4, 6, 7, 8, 9, 10]
    assert [one.chatid for one in memory.list(user, "t 1", after="id 6")] == [7, 9]
    assert memory.list(user, after="id 10") == []


def test_update_changes_what_is_given(memory: ChatMemory, user: str) -> None:
    memory.remember(user, "t", 1, "the cat likes tuna", {"n": 1}, id="a")
    [before] = memory.get(user, ["a"])
    assert memory.update(user, "a", summary="a recipe for lentil soup")
    assert memory.recall(user, "soup", k=1, mode="semantic")[0].similarity > 0.2  # type: ignore[operator]
    assert [one.chatid for one in memory.recall(user, "lentil", mode="lexical")] == [1]
    [changed] = memory.get(user, ["a"])
    assert (changed.metadata, changed.created_at) == ({"n": 1}, before.created_at)
    assert memory.update(user, "a", metadata={"n": 2}, expires_at="2999-01-01T00:00:00Z")
    assert memory.update(user, "a", metadata=None, expires_at=None)
    [last] = memory.get(user, ["a"])
    assert (last.summary, last.metadata, last.expires_at) == ("a recipe for lentil soup", None, None)
    assert memory.update(user, "a", metadata=None)
    assert memory.get(user, ["a"]) == [last], "nothing differed"
    assert not memory.update(user, "b", metadata={})


def test_long_memories_come_back_whole(memory: ChatMemory, user: str) -> None:
    """Over 1 MiB together: through a cursor."""
    summaries = [f"{number} " + "あ" * 99_000 for number in range(6)]
    memory.remember_many(
        {"userid": user, "theme": "t", "chatid": number, "summary": summary, "vector": axis(3), "id": f"{number}"}
        for number, summary in enumerate(summaries)
    )
    assert [one.summary for one in memory.list(user)] == summaries
    assert [one.summary for one in memory.get(user, ["5", "0"])] == [summaries[5], summaries[0]]


BAD: list[tuple[Callable[[ChatMemory], object], str]] = [
    (lambda memory: memory.remember("u", "t", 1, "s", id=""), "id must not be empty, got ''"),
    (
        lambda memory: memory.remember("u", "t", 1, "s", id="x" * 1001),
        "id must have at most 1,000 bytes of UTF-8, got 1,001: use a shorter one, such as a hash of it",
    ),
    (lambda memory: memory.remember("u", "t", 1, "s", id=7), "id must be text, got 7"),  # type: ignore[arg-type]
    (
        lambda memory: memory.remember("u", "t", 1, "s", expires_at="tomorrow"),
        "expires_at must be a time in ISO 8601, got text of 8 characters: write it like 2026-11-25T10:00:00+09:00",
    ),
    (
        lambda memory: memory.remember("u", "t", 1, "s", expires_at="2027-01-01T00:00:00"),
        "expires_at must have a zone, got a time without one: add +09:00, for instance, or Z for UTC",
    ),
    (
        lambda memory: memory.remember("u", "t", 1, "s", expires_at="9999-12-31T23:59:59-12:00"),
        "expires_at must be from year 1 to 9999 in UTC, got a time beyond: leave a day of room",
    ),
    (
        lambda memory: memory.remember_many([{"userid": "u", "theme": "t", "chatid": 1, "summary": "s", "id": "\0"}]),
        "items[0].id must not hold NUL, which PostgreSQL cannot store, got one at character 1: remove it",
    ),
    (lambda memory: memory.get("u", []), "ids must have 1 to 500 members, got 0: send them in several calls"),
    (
        lambda memory: memory.get("u", ["x"] * 501),
        "ids must have 1 to 500 members, got 501: send them in several calls",
    ),
    (lambda memory: memory.get("u", "abc"), "ids must be a list of ids, got text of 3 characters"),
    (lambda memory: memory.forget("u", ["a", ""]), "ids[1] must not be empty, got ''"),
    (lambda memory: memory.list("u", limit=1001), "limit must be an integer from 1 to 1000, got 1001"),
    (lambda memory: memory.list("u", after=-1), "after must be an integer from 0 to 9223372036854775807, got -1"),
    (lambda memory: memory.list("u", after=""), "after must not be empty, got ''"),
    (lambda memory: memory.update("u", "a"), "summary must be given, or metadata or expires_at, got none of them"),
    (lambda memory: memory.update("u", "a", summary=" "), "summary must not be blank, got 1 blank characters"),
    (lambda memory: memory.update("u", "", metadata={}), "id must not be empty, got ''"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=range(len(BAD)))
def test_what_is_not_sent(call: Callable[[ChatMemory], object], message: str) -> None:
    client = Watched(None)
    with pytest.raises(InputError) as raised:
        call(ChatMemory(DataApi(cast(Any, client), "cluster", "secret", "chat"), CohereEmbedder(cast(Any, client))))
    assert (str(raised.value), client.calls) == (message, [])


def test_32_callers_on_the_same_ids(memory: ChatMemory, user: str) -> None:
    """One memory for each id, and no deadlock, while others change and forget them, without ids too."""
    ids = [f"id {number}" for number in range(6)]

    def call(number: int) -> object:
        order = ids if number % 2 else ids[::-1]
        match number % 4:
            case 0 | 1:
                items = [
                    {"userid": user, "theme": f"t {number % 3}", "chatid": place, "summary": f"s {number}",
                     "vector": axis(number)} | ({"id": each} if number % 8 < 4 else {})
                    for place, each in enumerate(order)
                ]  # fmt: skip
                return memory.remember_many(items)
            case 2:
                return memory.update(user, order[0], metadata={"n": number}), memory.forget(user, order[1:3])
            case _:
                return memory.delete(user, f"t {number % 3}"), memory.list(user), memory.get(user, ids)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(call, range(96)))
    memory.remember_many(
        {"userid": user, "theme": "t", "chatid": 1, "summary": "last", "vector": axis(1), "id": each} for each in ids
    )
    assert [one.summary for one in memory.get(user, ids)] == ["last"] * 6
    every = memory.list(user, limit=1000)
    assert len({one.id for one in every}) == len(every)
    assert len(memory.recall_vector(user, axis(1), k=100)) == min(100, len(every)), "each has its code"
