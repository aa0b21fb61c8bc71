"""Memories by id when answers are lost, the cluster pauses, or another user's ids are tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stchat.chat.memory import ChatMemory
from stchat.errors import InputError
from tests.support.faults import data_api
from tests.support.migrated_database import MigratedDatabase
from tests.support.own_sql import as_user
from tests.support.vectors import axis

FAULTS = ["throttle", "error_before", "error_after", "drop_before", "drop_after"]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_lost_answer(migrated: MigratedDatabase, memory: ChatMemory, user: str, kind: str) -> None:
    """Whatever is asked for again leaves the same state; only who did it may not be known."""
    data_api(memory.api)
    ran = kind.endswith("_after")

    def meet(operation: Callable[[], object]) -> object:
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_")
        return operation()

    assert meet(lambda: memory.remember(user, "t", 1, "s", vector=axis(1), id="a")) is not ran
    assert meet(lambda: memory.remember(user, "t", 2, "r", vector=axis(2), id="a")) is False
    assert meet(lambda: memory.update(user, "a", metadata={"n": 1})) is True
    assert meet(lambda: [(one.summary, one.metadata) for one in memory.get(user, ["a"])]) == [("r", {"n": 1})]
    assert meet(lambda: [one.id for one in memory.list(user)]) == ["a"]
    assert meet(lambda: memory.forget(user, ["a"])) == (0 if ran else 1)
    assert memory.list(user) == []


def test_a_paused_cluster_is_waited_for(migrated: MigratedDatabase, memory: ChatMemory, user: str) -> None:
    data_api(memory.api)
    memory.remember(user, "t", 1, "s", vector=axis(1), id="a")
    migrated.endpoint.pause()
    assert memory.with_timeout(20).update(user, "a", metadata={"n": 1})
    assert [one.metadata for one in memory.list(user)] == [{"n": 1}]


def test_another_users_ids_are_of_no_use(memory: ChatMemory, user: str) -> None:
    other = f"other {user}"
    memory.remember(other, "t", 1, "secret", {"n": 1}, axis(1), id="a")
    memory.remember(other, "t", 2, "secret too", {"n": 1}, axis(1))
    before = memory.list(other)
    ids = [one.id for one in before]
    assert memory.get(user, ids) == memory.list(user) == []
    assert memory.forget(user, ids) == 0
    for each in before:
        assert not memory.update(user, each.id, summary="stolen", metadata={}, expires_at="2000-01-01T00:00:00Z")
        with pytest.raises(InputError, match="after must be the id of a memory of this user"):
            memory.list(user, after=each.id)
        assert memory.remember(user, "t", 1, f"mine {each.id}", None, axis(1), id=each.id)
        assert memory.list(user, after=each.primarykey - 1)[-1].id == each.id
    assert memory.forget(user, ids) == 2
    assert memory.list(other) == before


RAW = [
    "SELECT 1 AS x FROM st_chat_memory_keys(:other, ARRAY['a'])",
    "SELECT 1 AS x FROM st_chat_history_vector_table WHERE id = 'a' AND userid = :other",
    "UPDATE st_chat_history_vector_table SET expires_at = now() WHERE userid = :other RETURNING 1",
    "SELECT 1 AS x FROM st_chat_sweep_memories(:other) AS n WHERE n > 0",
    "SELECT 1 AS x FROM st_chat_sweep_turns(:other) AS n WHERE n > 0",
]


@pytest.mark.parametrize("sql", RAW)
def test_the_database_holds_to_it_without_the_library(
    migrated: MigratedDatabase, memory: ChatMemory, user: str, sql: str
) -> None:
    other = f"other {user}"
    memory.remember(other, "t", 1, "secret", {"n": 1}, axis(1), id="a")
    insert = """
    INSERT INTO st_chat_history_vector_table (userid, theme, chatid, chat_summary, chat_vector, id, expires_at)
    SELECT userid, theme, 7, 'expired', chat_vector, 'b', now() - interval '1 day' FROM st_chat_history_vector_table
    WHERE userid = :other"""
    migrated.master.execute(insert, {"other": other})
    with as_user(migrated, user) as attacker:
        assert attacker.execute(sql, {"other": other}).rows == []
    assert migrated.app.execute(sql, {"other": other}).rows == []
    count = "SELECT count(*) AS n FROM st_chat_history_vector_table WHERE userid = :other"
    assert migrated.master.execute(count, {"other": other}).rows == [{"n": 2}]
