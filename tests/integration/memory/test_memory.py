"""Memories: written once, in batches, found again by meaning, by vector, theme and metadata."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory, Remembered
from stchat.chat.vectors import DIMENSIONS, normalised, to_text
from stchat.errors import InputError
from tests.support.faults import Watched, data_api, watched
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def floats(text: str) -> bytes:
    return struct.pack(f"{DIMENSIONS}f", *map(float, text.strip("[]").split(",")))


def test_what_was_said_is_found_again(memory: ChatMemory, user: str) -> None:
    summaries = [
        "京都へ旅行して金閣寺を見た",
        "the cat likes tuna",
        "来週の会議の資料を作る",
        "a recipe for lentil soup",
    ]
    for number, summary in enumerate(summaries):
        assert memory.remember(user, "t", number, summary)
    for query, found in (("京都 旅行", 0), ("which cat eats tuna", 1), ("会議の資料", 2), ("soup recipe", 3)):
        first, *rest = memory.recall(user, query, k=4)
        assert (first.chatid, first.summary, first.theme) == (found, summaries[found], "t")
        assert sorted(one.score for one in rest) == [one.score for one in reversed(rest)]
        assert 1 == first.score > rest[0].score
        assert memory.recall(user, query, k=4, mode="semantic")[0].chatid == found
    assert memory.recall(user, summaries[1], k=1, mode="semantic")[0].score > 0.99


def test_vectors_themes_and_metadata(memory: ChatMemory, user: str) -> None:
    items = [
        {"userid": user, "theme": "ab"[number % 2], "chatid": number, "summary": f"{number}",
         "metadata": {"n": number, "tags": ["x", f"{number % 3}"]} if number else None, "vector": axis(7, number / 4)}
        for number in range(12)
    ]  # fmt: skip
    assert memory.remember_many(items) == Remembered(created=12)

    def found(**filters: Any) -> list[int]:
        return [one.chatid for one in memory.recall_vector(user, axis(7), **filters)]

    assert found() == list(range(10))
    assert found(k=100) == list(range(12))
    assert found(theme="b", k=3) == [1, 3, 5]
    assert found(metadata={"tags": ["0"]}) == [3, 6, 9]
    assert found(metadata={"tags": ["0"]}, theme="a") == [6]
    assert found(metadata={}) == list(range(1, 11))
    assert found(theme="none") == []
    nearest = memory.recall_vector(user, axis(7), k=2)
    assert [one.metadata for one in nearest] == [None, {"n": 1, "tags": ["x", "1"]}]
    assert [round(one.score, 6) for one in nearest] == [1.0, round(1 / (1 + 1 / 16) ** 0.5, 6)]


def test_a_memory_is_one_however_often_it_comes(memory: ChatMemory, user: str) -> None:
    assert memory.remember(user, "t", 1, "s", {"old": True}, axis(1))
    assert not memory.remember(user, "t", 1, "s", {"new": True}, axis(5))
    item = {"userid": user, "theme": "t", "chatid": 1, "summary": "s", "metadata": {"new": True}, "vector": axis(5)}
    assert memory.remember_many([item, item | {"chatid": 2}, item, item | {"chatid": 2}]) == Remembered(1, 3)
    [first, second] = memory.recall_vector(user, axis(5))
    assert (first.metadata, round(first.score, 6)) == ({"new": True}, 1.0)
    assert {first.chatid, second.chatid} == {1, 2}


def test_forget(memory: ChatMemory, user: str) -> None:
    for theme in ("a", "b"):
        for chatid in (1, 2):
            memory.remember(user, theme, chatid, "s", vector=axis(chatid))
    assert memory.delete(user, "a", 1) == 1
    assert memory.delete(user, chatid=2) == 2
    assert memory.delete(user, "a") == 0
    assert memory.delete(user) == 1
    assert memory.recall_vector(user, axis(1)) == []


def test_batches_of_what_the_model_and_the_data_api_take(
    memory: ChatMemory, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Some have vectors of their own, some are long; nothing but counts is logged."""
    caplog.set_level("INFO", "stchat")
    items = [
        {
            "userid": user,
            "theme": "t",
            "chatid": number,
            "summary": f"言った事 {number} " + "あ" * (3000 * (number % 50 == 0)),
        }
        | ({"vector": axis(number)} if number % 3 == 0 else {})
        for number in range(250)
    ]
    data, bedrock = Watched(data_api(memory.api).client), Watched(memory.embedder.client)  # type: ignore[attr-defined]
    counted = ChatMemory(watched(data_api(memory.api), data), CohereEmbedder(bedrock))  # type: ignore[arg-type]
    assert counted.remember_many(items) == Remembered(created=250, existing=0, truncated=[50, 100, 200])
    assert data.calls == ["execute_statement"] * 3
    assert counted.remember_many(iter(items)) == Remembered(created=0, existing=250, truncated=[50, 100, 200])
    assert "96 of 250 memories are stored" in caplog.messages
    assert user not in caplog.text
    assert "言った" not in caplog.text
    [found] = memory.recall(user, "言った事 199", k=1)
    assert found.chatid == 199
    assert counted.remember_many([]) == Remembered()


def test_long_memories_come_back_whole_in_their_order(memory: ChatMemory, user: str) -> None:
    """Over 1 MiB together: through a cursor."""
    summaries = [f"{number} " + "あ" * 99_000 for number in range(6)]
    memory.remember_many(
        {"userid": user, "theme": "t", "chatid": number, "summary": summary, "metadata": {"pad": "x" * 16_000},
         "vector": axis(3, number)}
        for number, summary in enumerate(summaries)
    )  # fmt: skip
    client = Watched(data_api(memory.api).client)
    found = ChatMemory(watched(data_api(memory.api), client), memory.embedder).recall_vector(user, axis(3))
    assert [one.summary for one in found] == summaries
    assert all(one.metadata == {"pad": "x" * 16_000} for one in found)
    assert [client.calls[at] for at in (0, 1, -1)] == ["execute_statement", "begin_transaction", "commit_transaction"]


@pytest.mark.parametrize(
    "summary", ["😀" * 100_000, "\u202eمرحبا", "'; DROP TABLE t; --", "\x01\n\\u0000"], ids=range(4)
)
def test_summaries_come_back_as_they_were(memory: ChatMemory, user: str, summary: str) -> None:
    metadata = {summary[:50]: [summary[:50], 1e15, -0.1, 2**70, None, {"": True}]}
    memory.remember(user, "t", 1, summary, metadata, axis(1))
    [found] = memory.recall_vector(user, axis(1), metadata=metadata)
    assert (found.summary, found.metadata) == (summary, metadata)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(FLOAT32, min_size=1, max_size=40))
def test_postgresql_reads_each_float32_exactly(migrated: MigratedDatabase, numbers: list[float]) -> None:
    text = to_text((numbers * DIMENSIONS)[:DIMENSIONS])
    [row] = migrated.app.execute("SELECT :v::vector AS v", {"v": text}).rows
    assert floats(row["v"]) == floats(text)


def test_what_is_stored_has_length_1(memory: ChatMemory, migrated: MigratedDatabase, user: str) -> None:
    memory.remember(user, "t", 1, "s", vector=[float(number) for number in range(DIMENSIONS)])
    columns = "chat_vector::text AS v, vector_norm(chat_vector) AS n"
    sql = f"SELECT {columns} FROM st_chat_history_vector_table WHERE userid = :userid"
    [row] = migrated.master.execute(sql, {"userid": user}).rows
    assert floats(row["v"]) == floats(to_text(normalised(range(DIMENSIONS))))
    assert row["n"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"userid": "\0"}, "userid must not hold NUL"),
        ({"summary": " "}, "summary must not be blank, got 1 blank characters"),
        ({"metadata": {"a": "\0"}}, "metadata must not hold NUL"),
        ({"vector": [1.0] * 1023}, "vector must have 1,024 dimensions, got 1,023"),
        ({"chatid": 2**63}, "chatid must be an integer from 0 to 9223372036854775807, got 9223372036854775808"),
    ],
)  # fmt: skip
def test_what_is_not_sent(memory: ChatMemory, user: str, changed: dict[str, Any], message: str) -> None:
    """Of many, one wrong item is enough."""
    client = Watched(data_api(memory.api).client)
    counted = ChatMemory(watched(data_api(memory.api), client), memory.embedder)
    item = {"userid": user, "theme": "t", "chatid": 1, "summary": "s"}
    with pytest.raises(InputError) as raised:
        counted.remember(**item | changed)  # type: ignore[arg-type]
    assert str(raised.value).startswith(message)
    with pytest.raises(InputError) as raised:
        counted.remember_many([item] * 100 + [item | changed])
    assert str(raised.value).startswith(f"items[100].{message}")
    assert client.calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": ""}, "query must not be blank, got ''"),
        ({"k": 0}, "k must be an integer from 1 to 100, got 0"),
        ({"k": 101}, "k must be an integer from 1 to 100, got 101"),
        ({"theme": ""}, "theme must not be empty, got ''"),
        ({"mode": "words"}, "mode must be one of hybrid, semantic, lexical, got text of 5 characters"),
        ({"metadata": []}, "metadata must be a JSON object, such as a dict, got list"),
    ],
)
def test_no_question(memory: ChatMemory, user: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        memory.recall(**{"userid": user, "query": "q"} | arguments)
    assert str(raised.value) == message
