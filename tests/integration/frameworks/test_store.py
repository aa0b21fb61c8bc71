"""DataApiStore: search, sizes, bad input, expiry, calls, row security, lost answers, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp

from stchat.chat import ChatMemory, CohereEmbedder
from stchat.errors import InputError
from stchat.langgraph import DataApiStore
from stchat.ops.sweep import expired, sweep
from tests.support.faults import Watched, watched
from tests.support.migrated_database import DATABASE, MigratedDatabase


def test_by_meaning_and_by_words(store: DataApiStore, user: str) -> None:
    store.put((user, "food"), "soup", {"text": "likes lentil soup with lemon", "season": "winter"})
    store.put((user, "travel"), "kyoto", {"text": "京都へ旅行して金閣寺を見たい", "season": "autumn"})
    store.put((user, "travel", "orders"), "7", {"text": "注文番号は ＡＢ－１２３４"})
    store.put((user, "travel"), "secret", {"text": "soup"}, index=False)
    assert store.search((user,), query="which soup does she like?")[0].key == "soup"
    assert store.search((user,), query="ab-1234", limit=1)[0].key == "7"
    found = store.search((user, "travel"), query="which soup does she like?")
    assert ([one.key for one in found[2:]], found[2].score) == (["secret"], None)  # behind those that are indexed
    [autumn] = store.search((user,), query="soup", filter={"season": {"$ne": "winter"}}, limit=1)
    assert autumn.key == "kyoto"
    # The texts are memories like all others, and who forgets one forgets the item.
    [memory] = store.memory.recall(user, "金閣寺", k=1)
    assert (memory.theme, memory.id, memory.summary[:9]) == (".travel", ".travel..kyoto", '{"season"')
    assert store.memory.forget(user, [memory.id]) == 1
    assert store.get((user, "travel"), "kyoto") is None
    store.delete((user, "food"), "soup")
    assert store.memory.recall(user, "soup", mode="lexical") == []


def test_values_of_any_size_and_kind(store: DataApiStore, user: str) -> None:
    """Exactly what was put: numbers past PostgreSQL's, long texts in parts, many of them over 1 MiB by a cursor."""
    long = {"text": "長い\\u0000ではない " * 15_000, "kind": "file", "big": 1e300, "small": -5e-324, "n": 2**70, "": []}
    store.batch([PutOp((user, "files"), str(number), long | {"number": number}, False) for number in range(5)])
    found = store.search((user,), filter={"number": {"$gte": 1}, "kind": "file"}, limit=4)
    assert [one.value for one in found] == [long | {"number": number} for number in range(1, 5)]
    assert repr(found[0].value) == repr(long | {"number": 1})
    assert store.search((user,), filter={"text": {"$exists": True}}) == []  # too long a field to filter by
    store.put((user, "files"), "0", long)
    assert len(store.search((user,), query="長い", filter={"kind": "file"})) == 5


@pytest.mark.parametrize(
    ("op", "error"),
    [
        (SearchOp(()), "namespace must name a user, got an empty one: begin it with the userid"),
        (GetOp((), "k"), "namespace must name a user, got an empty one: begin it with the userid"),
        (ListNamespacesOp(), "prefix must name a user, got none that does: begin the prefix with the userid"),
        (ListNamespacesOp((MatchCondition("prefix", ("*", "a")),)), "prefix must name a user, got none that does"),
        (PutOp(("u",), "k", {"t": (1,)}), "value must be the same after JSON, got keys that are not str, or tuples"),
        (PutOp(("u",), "k", {"n": float("nan")}), r"value must be a JSON object, got a value that JSON cannot hold"),
        (PutOp(("u",), "k", {"t": "x" * 400_000}), "value must have at most 400,000 bytes of UTF-8, got 400,009"),
        (PutOp(("u",), "k", {str(n): "x" * 90 for n in range(200)}), "value must have at most 16,354 bytes in fields"),
        (PutOp(("u",), "k", {"langgraph.namespaces": 1}), "value must have no field langgraph.namespaces, got one"),
        (PutOp(("u", *["x" * 5] * 150), "k", {}), "namespace must have fewer or shorter labels, got 151"),
        (PutOp(("u", "x" * 500), "k" * 500, {}), "namespace and key must have at most 1,000 bytes of UTF-8, got 1,003"),
        (PutOp(("u",), "k", {}, ttl=0), "ttl must be a number of minutes over 0, at most 1e9, got 0"),
        (PutOp(("u", "a.b"), "k", {}), "Namespace labels cannot contain periods"),
        (SearchOp(("u",), query=5), "query must be text, got 5"),  # type: ignore[arg-type]
        (SearchOp(("u",), limit=-1), "limit must be an integer from 0 to 1073741823, got -1"),
    ],
)
def test_what_cannot_be_is_named(embedder: CohereEmbedder, op: Op, error: str) -> None:
    store = DataApiStore(ChatMemory(None, embedder))  # type: ignore[arg-type]
    with pytest.raises((InputError, ValueError), match=error):
        store.batch([op])


def test_items_expire(migrated: MigratedDatabase, store: DataApiStore, user: str) -> None:
    memory, here = store.memory, (user, "a")
    store = DataApiStore(memory, ttl={"default_ttl": 10})
    store.put(here, "read", {"t": "soup"})
    store.put(here, "unread", {"t": "soup"}, index=False)
    store.put(here, "stays", {"t": "soup"}, ttl=None)

    def pass_time(minutes: int) -> None:
        with migrated.endpoint.psql(DATABASE) as owner:
            for table in ("st_chat_store_item", "st_chat_history_vector_table"):
                owner.execute(
                    f"UPDATE {table} SET expires_at = expires_at - %s * interval '1 minute' WHERE userid = %s",
                    (minutes, user),
                )

    def rows() -> int:
        sql = "SELECT count(*) AS n FROM st_chat_store_item WHERE userid = :u"
        return int(migrated.master.execute(sql, {"u": user}).rows[0]["n"])

    def keys() -> list[str]:
        return [one.key for one in store.search(here, refresh_ttl=False)]

    def expiries() -> list[object]:
        sql = """SELECT expires_at FROM st_chat_store_item WHERE userid = :u UNION ALL
            SELECT expires_at FROM st_chat_history_vector_table WHERE userid = :u ORDER BY 1"""
        return [row["expires_at"] for row in migrated.master.execute(sql, {"u": user}).rows]

    at_first = expiries()
    assert len(store.search(here, query="soup")) == 3
    assert expiries() == at_first  # less than a tenth of the ttl has passed
    pass_time(9)
    assert keys() == ["read", "unread", "stays"]
    assert store.search(here, query="soup", limit=1)[0].key in ("read", "stays")
    assert store.get(here, "read")
    pass_time(2)
    assert keys() == ["read", "stays"]
    assert store.get(here, "unread") is None
    assert [one.id for one in memory.recall(user, "soup")] == [".a..read", ".a..stays"]
    pass_time(9)
    assert (keys(), store.list_namespaces(prefix=(user, "a"))) == (["stays"], [here])
    assert {one.key for one in store.search(here, query="soup")} == {"stays"}
    store.put(here, "other", {}, index=False, ttl=None)  # deletes what has expired
    assert rows() == 2
    store.put(here, "read", {"t": "anew"})
    assert keys() == ["stays", "other", "read"]
    store.put(here, "other", {}, index=False)
    pass_time(11)
    before = expired(migrated.master)
    assert before.memories >= 2
    swept = sweep(migrated.master)
    assert (swept.memories, expired(migrated.master).memories) == (before.memories, 0)
    assert rows() == 1


def test_a_batch_is_two_calls_whatever_its_users(
    migrated: MigratedDatabase, embedder: CohereEmbedder, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "stchat")
    data, bedrock = Watched(migrated.app.client), Watched(embedder.client)
    store = DataApiStore(ChatMemory(watched(migrated.app, data), CohereEmbedder(bedrock)))  # type: ignore[arg-type]
    users = [f"{user} {number}" for number in range(20)]
    store.batch([PutOp((one, "a"), "k", {"t": one}) for one in users])
    assert (data.calls, bedrock.calls) == (["execute_statement"], ["invoke_model"])
    reads: list[Op] = [GetOp((one, "a"), "k") for one in users]
    more: list[Op] = [SearchOp((users[0],), query=user), ListNamespacesOp((MatchCondition("prefix", (users[1],)),))]
    results = store.batch([*reads, *more, *[PutOp((one, "a"), "k", None) for one in users]])
    assert [one.value for one in results[:20]] == [{"t": one} for one in users]  # type: ignore[union-attr]
    assert [one.namespace for one in results[20]] == [(users[0], "a")]  # type: ignore[union-attr]
    assert results[21] == [(users[1], "a")]
    assert (data.calls[1:], bedrock.calls[1:]) == (["execute_statement"] * 2, ["invoke_model"])
    assert store.batch(reads) == [None] * 20
    assert user not in caplog.text


def test_row_security(migrated: MigratedDatabase, store: DataApiStore, user: str) -> None:
    store.put((user, "a"), "k", {"t": "secret"})
    other = f"other {user}"
    assert store.search((other,)) == []
    assert store.search((other,), query="secret") == []
    sql = "SELECT count(*) AS n FROM st_chat_store_item WHERE userid = :user"
    [seen] = migrated.app.execute(sql, {"user": user}).rows
    with migrated.app.transaction() as transaction:
        transaction.execute("SELECT set_config('stchat.userid', :other, true)", {"other": other})
        [own] = transaction.execute("SELECT count(*) AS n FROM st_chat_store_item").rows
        changed = transaction.execute("UPDATE st_chat_store_item SET value = '{}'").updated
        changed += transaction.execute("DELETE FROM st_chat_store_item").updated
    assert (seen["n"], own["n"], changed) == (0, 0, 0)
    assert store.get((user, "a"), "k")


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error_after"])
def test_a_lost_answer(migrated: MigratedDatabase, embedder: CohereEmbedder, user: str, kind: str) -> None:
    store, place = DataApiStore(ChatMemory(migrated.app, embedder)), (user, "a")
    for value in ({"t": "first"}, {"t": "second"}):
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_store_write")
        store.put(place, "k", value)
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_store_read")
        assert [one.value for one in store.search(place, query="first")] == [value]
    assert len(store.memory.recall(user, "first")) == 1
    migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_store_write")
    store.delete(place, "k")
    assert (store.search(place), store.memory.recall(user, "first")) == ([], [])
    migrated.endpoint.clear_faults()


def test_writers_and_readers_at_once(store: DataApiStore, user: str) -> None:
    """None waits for another in a circle, whatever the order of its keys, and no event loop is blocked."""

    def puts(step: int) -> Iterator[Op]:
        for number in range(7):
            yield PutOp((user, "a"), str(number * step % 7), {"n": number}, None if number % 2 else False, 5)

    async def run() -> int:
        reads: list[Op] = [SearchOp((user,), query="n"), GetOp((user, "a"), "1")]
        work = asyncio.gather(*(store.abatch([*puts(step), *reads]) for step in (1, 2, 3, 4, 5, 6, 1, 2)))
        turns = 0
        while not work.done():
            await asyncio.sleep(0.001)
            turns += 1
        await work
        await store.adelete((user, "a"), "0")
        assert len(await store.asearch((user,))) == 6
        return turns

    assert asyncio.run(run()) > 3


def test_in_a_graph(store: DataApiStore, user: str) -> None:
    """LangGraph hands the store to a node, as it is and in an event loop."""

    class State(TypedDict):
        say: str
        known: list[str]

    def remember(state: State, runtime: Runtime[None]) -> dict[str, list[str]]:
        assert runtime.store
        known = [item.value["text"] for item in runtime.store.search((user, "facts"), query=state["say"])]
        runtime.store.put((user, "facts"), state["say"], {"text": state["say"]})
        return {"known": known}

    async def remember_in_a_loop(state: State, runtime: Runtime[None]) -> dict[str, list[str]]:
        assert runtime.store
        found = await runtime.store.asearch((user, "facts"), query=state["say"])
        return {"known": [item.value["text"] for item in found]}

    def graph(node: Any) -> Any:
        return StateGraph(State).add_node("node", node).add_edge(START, "node").compile(store=store)

    assert graph(remember).invoke({"say": "I like soup"})["known"] == []
    assert graph(remember).invoke({"say": "which soup?"})["known"] == ["I like soup"]
    known = asyncio.run(graph(remember_in_a_loop).ainvoke({"say": "soup"}))["known"]
    assert set(known) == {"I like soup", "which soup?"}


def test_another_model(migrated: MigratedDatabase, embedder: CohereEmbedder, user: str) -> None:
    v4 = replace(embedder, model_id="cohere.embed-v4:0")
    store = DataApiStore(ChatMemory(migrated.app, v4), mode="semantic")
    store.put((user, "a"), "soup", {"t": "likes lentil soup"})
    store.put((user, "a"), "kyoto", {"t": "wants to see Kyoto"})
    found = store.search((user, "a"), query='{"t": "likes lentil soup"}')
    assert [(one.key, (one.score or 0) > 0.9) for one in found] == [("soup", True), ("kyoto", False)]
    sql = "SELECT DISTINCT embedding_model AS model FROM st_chat_history_vector_table WHERE userid = :u"
    assert migrated.master.execute(sql, {"u": user}).rows == [{"model": v4.model}]
