"""The words of the memories: kept by the triggers, brought along in steps, and no other user's to read or write."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from stchat.schema import memory_words
from stchat.schema.execution import RetryLater
from tests.support.memory_functions import memory, refused, remember, text, unit
from tests.support.migrated_database import MigratedDatabase
from tests.support.own_sql import as_user, refused_within

TABLE, WORDS = "st_chat_history_vector_table", "st_chat_memory_words"
RIGHT = f"""
SELECT count(*) AS memories, count(*) FILTER (
    WHERE w.words = st_chat_words_code(m.userid, m.theme, m.chat_summary)) AS right_words
FROM {TABLE} AS m LEFT JOIN {WORDS} AS w ON (w.userid, w.theme, w.memory) = (m.userid, m.theme, m.primarykey)
WHERE m.userid = :userid"""


def right(migrated: MigratedDatabase, userid: str) -> tuple[int, int]:
    """How many memories there are, and how many have the words of their summary."""
    [row] = migrated.master.execute(RIGHT, {"userid": userid}).rows
    return row["memories"], row["right_words"]


def words_of(migrated: MigratedDatabase, userid: str) -> int:
    sql = f"SELECT count(*) AS n FROM {WORDS} WHERE userid = :userid"
    return int(migrated.master.execute(sql, {"userid": userid}).rows[0]["n"])


def lexical(migrated: MigratedDatabase, userid: str, query: str) -> list[int]:
    sql = "SELECT chatid FROM st_chat_recall(:userid, NULL, 10, NULL, NULL, :query, 'lexical')"
    return [row["chatid"] for row in migrated.app.execute(sql, {"userid": userid, "query": query}).rows]


def test_triggers_keep_them_whatever_writes(migrated: MigratedDatabase, user: str) -> None:
    remember(migrated.app, *(memory(user, chatid, summary=f"柴犬 number {chatid}") for chatid in range(3)))
    insert = f"INSERT INTO {TABLE} (userid, theme, chatid, chat_summary, chat_vector)"
    values = {"userid": user, "vector": text(unit(1))}
    migrated.master.execute(f"{insert} VALUES (:userid, 't', 9, 'by hand', :vector::vector)", values)
    assert right(migrated, user) == (4, 4)
    own = "WHERE userid = :userid AND chatid"
    migrated.master.execute(f"UPDATE {TABLE} SET chat_summary = 'corrected' {own} = 0", {"userid": user})
    migrated.master.execute(f"UPDATE {TABLE} SET theme = 'u' {own} = 1", {"userid": user})
    migrated.master.execute(f"UPDATE {TABLE} SET primarykey = primarykey + 1000000 {own} = 2", {"userid": user})
    assert (right(migrated, user), words_of(migrated, user)) == ((4, 4), 4)
    assert (lexical(migrated, user, "corrected"), lexical(migrated, user, "柴犬")) == ([0], [1, 2])
    migrated.master.execute(f"DELETE FROM {TABLE} {own} < 5", {"userid": user})
    assert (right(migrated, user), words_of(migrated, user)) == ((1, 1), 1)


@pytest.fixture
def without_words(migrated: MigratedDatabase, user: str) -> Iterator[str]:
    """A user whose memories are from before there were words."""
    remember(migrated.app, *(memory(user, chatid, summary=f"柴犬 number {chatid}") for chatid in range(30)))
    migrated.master.execute(f"DELETE FROM {WORDS} WHERE userid = :userid", {"userid": user})
    yield user
    memory_words.keep(migrated.master)


def test_old_memories_are_brought_along_in_steps(
    migrated: MigratedDatabase, without_words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_words, "ROWS", 7)
    assert memory_words.missing(migrated.master) == 30
    sql = "SELECT chatid FROM st_chat_recall(:userid, :vector::vector, 1, NULL, NULL, 'number 3')"
    asked = {"userid": without_words, "vector": text(unit("t 3"))}
    assert migrated.app.execute(sql, asked).rows == [{"chatid": 3}], "they are found by their meaning meanwhile"
    assert lexical(migrated, without_words, "柴犬") == []
    with pytest.raises(RetryLater, match="no time is left to this call"):
        memory_words.keep(migrated.master, deadline=time.monotonic() - 1)
    first = f"SELECT min(primarykey) AS k FROM {TABLE} WHERE userid = :userid"
    [row] = migrated.master.execute(first, {"userid": without_words}).rows
    step = "SELECT after, done, busy FROM st_chat_memory_words_step(:start, 10)"
    with migrated.endpoint.psql(migrated.master.database) as writer, writer.transaction():
        writer.execute(f"UPDATE {TABLE} SET metadata = '{{}}' WHERE primarykey = {row['k']}".encode())
        [done] = migrated.master.execute(step, {"start": row["k"]}).rows
        assert (done["done"], done["busy"]) == (9, 1), "who changes a memory is not waited for, and does not wait"
    assert memory_words.missing(migrated.master) == 21
    memory_words.keep(migrated.master)
    assert (memory_words.missing(migrated.master), right(migrated, without_words)) == (0, (30, 30))


def test_words_are_written_by_the_triggers_alone(migrated: MigratedDatabase, user: str) -> None:
    remember(migrated.app, memory(user))
    insert = f"INSERT INTO {WORDS} (userid, theme, memory, words) VALUES (:userid, 't', 1, '\\xff')"
    with as_user(migrated, user) as owner:
        assert len(owner.execute(f"SELECT 1 FROM {WORDS}").rows) == 1
        assert refused_within(owner, insert, userid=user) == "42501"
        assert owner.execute(f"UPDATE {WORDS} SET words = '\\xffffffffffffffff'").updated == 0
        assert owner.execute(f"DELETE FROM {WORDS}").updated == 0
        assert owner.execute(f"DELETE FROM {TABLE}").updated == 1
        assert owner.execute(f"SELECT 1 FROM {WORDS}").rows == []


def test_another_users_words_are_not_there(migrated: MigratedDatabase, user: str) -> None:
    other = f"other {user}"
    remember(migrated.app, memory(other, summary="secret"))
    found = "SELECT memory FROM st_chat_memories_by_words(:other, '{secret}', NULL, NULL, '{}', '{}', 10)"
    assert migrated.app.execute(f"SELECT 1 FROM {WORDS}").rows == []
    with as_user(migrated, user) as attacker:
        assert attacker.execute(f"SELECT 1 FROM {WORDS} WHERE userid <> :userid", {"userid": user}).rows == []
        assert attacker.execute(found, {"other": other}).rows == []
        also = found.replace("'{}', 10", "ARRAY(SELECT generate_series(1, 20)::bigint), 10")
        assert all(row["memory"] <= 20 for row in attacker.execute(also, {"other": other}).rows)
    assert lexical(migrated, user, "secret") == []
    assert lexical(migrated, other, "secret") == [1]


def test_who_may_call_what(migrated: MigratedDatabase, user: str) -> None:
    recalled = "SELECT * FROM st_chat_recall(:userid, NULL, 1, NULL, NULL, 'x', :mode)"
    assert refused(migrated.read, recalled, userid=user, mode="lexical") == "42501"
    assert refused(migrated.app, recalled, userid=user, mode="words") == "22023"
    assert refused(migrated.app, "SELECT st_chat_memory_words_missing()") == "42501"
    assert refused(migrated.app, "SELECT done FROM st_chat_memory_words_step(0, 1)") == "42501"
