"""No call touches another user's rows, whatever strings it gets; and the database holds to that without the library."""

from __future__ import annotations

import random
from typing import Any

import pytest

from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import Database
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

ATTACKS = [
    "'; DROP TABLE st_chat_history_table; --",
    "' OR '1'='1",
    "x', 't', 1, 'a', 'b'), ('other_user",
    "$$; DELETE FROM st_chat_history_vector_table; $$",
    "\\'; DELETE FROM st_chat_history_table; --",
    "%' OR userid LIKE '%",
    ":userid",
    ":other_user::text",
    "other_user:userid",
    '"; SET ROLE stchat; --',
    "'), set_config('stchat.userid', 'other_user', true), ('",
    "U&'\\0027'",
    '{"userid": "other_user"}',
    '"}], "userid": "other_user", "x": [{"',
    "*",
    "%",
    "_",
    "null",
    "\u02bc OR 1=1",
]
LETTERS = [chr(code) for code in range(0x100, 0x7FF) if chr(code).isalpha()]  # of 2 bytes each
HISTORY, MEMORY = "st_chat_history_table", "st_chat_history_vector_table"


@pytest.fixture
def other_user(user: str, history: ChatHistory, memory: ChatMemory) -> str:
    """A user with a turn and a memory that no other user may see or change."""
    name = f"other_user {user}"
    history.add(name, "private", 1, "secret", "secret")
    memory.remember(name, "private", 1, "secret", {"n": 1}, axis(9))
    return name


def rows(migrated: MigratedDatabase, userid: str) -> list[dict[str, Any]]:
    """All that the tables hold of a user, as their owner sees it."""
    found: list[dict[str, Any]] = []
    for table in (HISTORY, MEMORY):
        sql = f"SELECT t::text AS row FROM {table} AS t WHERE userid = :userid ORDER BY primarykey"
        found += migrated.master.execute(sql, {"userid": userid}).rows
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_in_every_string(
    migrated: MigratedDatabase, history: ChatHistory, memory: ChatMemory, user: str, other_user: str, attack: str
) -> None:
    before = rows(migrated, other_user)
    evil = attack.replace("other_user", other_user)
    for userid, theme in ((evil, evil), (user, evil), (evil + user, "t")):
        history.delete(userid)
        memory.delete(userid)
        assert history.add(userid, theme, 1, evil, evil)
        assert memory.remember(userid, theme, 1, evil, {evil: evil}, axis(9))
        [turn] = history.turns(userid, theme)
        assert (turn.theme, turn.userinput, turn.botresponse) == (theme, evil, evil)
        [found] = memory.recall_vector(userid, axis(9), theme=theme, metadata={evil: evil})
        assert (found.theme, found.summary, found.metadata) == (theme, evil, {evil: evil})
        assert [one.summary for one in memory.recall(userid, evil, k=100)] == [evil]
        assert [one.theme for one in history.themes(userid)] == [theme]
        assert history.delete(userid, theme) == memory.delete(userid, theme) == 1
    assert rows(migrated, other_user) == before


def test_another_users_names_and_keys_are_of_no_use(
    migrated: MigratedDatabase, history: ChatHistory, memory: ChatMemory, user: str, other_user: str
) -> None:
    before = rows(migrated, other_user)
    [turn] = history.turns(other_user)
    assert history.turns(user, "private", before=turn.primarykey + 1) == []
    assert memory.recall_vector(user, axis(9), theme="private", metadata={"n": 1}) == []
    assert memory.recall(user, "secret") == []
    assert history.delete(user, "private") == memory.delete(user, "private", 1) == 0
    assert history.add(user, "private", 1, "mine", None)
    assert memory.remember(user, "private", 1, "secret", {"n": 2}, axis(9))
    assert history.delete(user) == memory.delete(user) == 1
    assert rows(migrated, other_user) == before


def test_many_users_in_one_batch(memory: ChatMemory, user: str) -> None:
    memory.remember_many(
        {"userid": f"{user} {number % 7}", "theme": "t", "chatid": number, "summary": "s", "vector": axis(number)}
        for number in range(100)
    )
    for number in range(7):
        found = memory.recall_vector(f"{user} {number}", axis(number), k=100)
        assert {one.chatid for one in found} == set(range(number, 100, 7))


def test_the_longest_names_fit_the_indexes(history: ChatHistory, memory: ChatMemory, user: str) -> None:
    """Of letters that PostgreSQL cannot compress."""
    chance = random.Random(user)
    userid, theme = ("".join(chance.choices(LETTERS, k=500)) for _ in range(2))
    assert history.add(userid, theme, 2**63 - 1, "x", "y")
    assert memory.remember(userid, theme, 2**63 - 1, "s", vector=axis(1))
    assert len(history.turns(userid, theme)) == len(memory.recall_vector(userid, axis(1), theme=theme)) == 1


UNRULY = [
    f"SELECT 1 FROM {HISTORY}",
    f"SELECT 1 FROM {MEMORY}",
    "SELECT 1 FROM st_chat_memory_code",
    f"DELETE FROM {HISTORY} RETURNING 1",
    f"UPDATE {MEMORY} SET userid = 'me' RETURNING 1",
    f"SELECT 1 FROM st_chat_themes('me') RIGHT JOIN {HISTORY} ON true",
    f"WITH me AS MATERIALIZED (SELECT st_chat_delete_turns('me', NULL) AS n) SELECT 1 FROM me, {MEMORY} WHERE n >= 0",
]


@pytest.mark.parametrize("sql", UNRULY)
def test_the_database_holds_to_it_without_the_library(
    migrated: MigratedDatabase, app: Database, other_user: str, sql: str
) -> None:
    """SQL that asks for everyone's rows, as a mistake in the library might send it, meets none."""
    before = rows(migrated, other_user)
    assert app.execute(sql).rows == []
    assert rows(migrated, other_user) == before


def test_a_call_leaves_no_user_behind_for_the_next(app: Database, history: ChatHistory, other_user: str) -> None:
    """Connections are pooled, behind the Data API too; what a call set must end with it."""
    for _ in range(20):
        history.turns(other_user)
        assert app.execute(f"SELECT 1 FROM {HISTORY}").rows == []
