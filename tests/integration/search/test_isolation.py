"""The database itself keeps users apart, whatever SQL the application's role sends."""

from __future__ import annotations

import pytest

from tests.support.memory_functions import memory, recall, refused, remember, text, unit
from tests.support.migrated_database import MigratedDatabase
from tests.support.own_sql import as_user, refused_within

MEMORY, HISTORY, CODE = "st_chat_history_vector_table", "st_chat_history_table", "st_chat_memory_code"


@pytest.fixture
def other_user(migrated: MigratedDatabase, user: str) -> str:
    other_user = f"other_user of {user}"
    assert remember(migrated.app, memory(other_user, 7, metadata={"secret": 1})) == [True]
    add = "SELECT st_chat_add_turn(:userid, 't', 1, 'secret', 'kept') AS done"
    assert migrated.app.execute(add, {"userid": other_user}).rows == [{"done": "written"}]
    return other_user


@pytest.mark.usefixtures("other_user")
def test_without_a_user_there_are_no_rows(migrated: MigratedDatabase) -> None:
    for table in (MEMORY, HISTORY, CODE):
        assert migrated.app.execute(f"SELECT * FROM {table} LIMIT 1").rows == []
        assert migrated.app.execute(f"DELETE FROM {table}").updated == 0
        assert migrated.read.execute(f"SELECT userid FROM {table} LIMIT 1").rows
    assert migrated.app.execute(f"UPDATE {MEMORY} SET chat_summary = 'x'").updated == 0
    assert migrated.app.execute(f"UPDATE {HISTORY} SET userinput = 'x'").updated == 0
    with as_user(migrated, "") as no_user:
        assert no_user.execute(f"SELECT * FROM {MEMORY} LIMIT 1").rows == []


def test_another_users_rows_are_not_there(migrated: MigratedDatabase, user: str, other_user: str) -> None:
    with as_user(migrated, user) as attacker:
        for table in (MEMORY, HISTORY, CODE):
            mine = attacker.execute(f"SELECT * FROM {table} WHERE userid <> :userid", {"userid": user})
            assert mine.rows == []
            assert attacker.execute(f"DELETE FROM {table} WHERE true").updated == 0
        assert attacker.execute(f"UPDATE {MEMORY} SET userid = :userid", {"userid": user}).updated == 0
        insert = f"INSERT INTO {HISTORY} (userid, themename, chatid) VALUES (:other_user, 't', :chatid)"
        assert refused_within(attacker, insert, other_user=other_user, chatid=2) == "42501"
        assert refused_within(attacker, insert, other_user=other_user, chatid=1) == "42501", "not even that it is there"
    assert len(recall(migrated.app, other_user, unit(1))) == 1


def test_a_known_memory_of_another_user_cannot_be_guessed(
    migrated: MigratedDatabase, user: str, other_user: str
) -> None:
    """The same error whether it is there or not, although what is there is skipped without an error for its owner."""
    insert = (
        f"INSERT INTO {MEMORY} (userid, theme, chatid, chat_summary, chat_vector)"
        " VALUES (:userid, 't', 7, :summary, :vector::vector)"
    )
    values = {"userid": other_user, "vector": text(unit(1))}
    with as_user(migrated, user) as attacker:
        for summary in ("summary 7", "no such summary"):
            assert refused_within(attacker, insert, **values, summary=summary) == "42501"
    with as_user(migrated, other_user) as owner:
        assert owner.execute(insert, values | {"summary": "summary 7"}).updated == 0


def test_codes_are_written_by_the_triggers_alone(migrated: MigratedDatabase, user: str) -> None:
    remember(migrated.app, memory(user))
    insert = (
        f"INSERT INTO {CODE} (memory, userid, theme, chatid, digest, near, coding)"
        " VALUES (1000000000, :userid, 't', 1, 'x', repeat('1', 2048)::bit(2048), 0)"
    )
    with as_user(migrated, user) as owner:
        assert refused_within(owner, insert, userid=user) == "42501"
        assert owner.execute(f"UPDATE {CODE} SET theme = 'x'").updated == 0
        assert owner.execute(f"DELETE FROM {CODE}").updated == 0
        assert owner.execute(f"UPDATE {MEMORY} SET theme = 'x'").updated == 1
        assert owner.execute(f"SELECT theme FROM {CODE}").rows == [{"theme": "x"}]
        assert owner.execute(f"DELETE FROM {MEMORY}").updated == 1
        assert owner.execute(f"SELECT theme FROM {CODE}").rows == []


def test_a_row_cannot_be_given_away(migrated: MigratedDatabase, user: str, other_user: str) -> None:
    remember(migrated.app, memory(user))
    with as_user(migrated, user) as owner:
        for table in (MEMORY, HISTORY):
            owner.execute(
                f"INSERT INTO {HISTORY} (userid, themename, chatid) VALUES (:u, :t, 9)", {"u": user, "t": table}
            )
            assert refused_within(owner, f"UPDATE {table} SET userid = :other_user", other_user=other_user) == "42501"


def test_who_may_call_what(migrated: MigratedDatabase, user: str) -> None:
    add = "SELECT st_chat_add_turn(:userid, 't', 1, 'a', 'b')"
    assert refused(migrated.read, add, userid=user) == "42501"
    recalled = "SELECT * FROM st_chat_recall(:userid, :vector::vector, 1)"
    assert refused(migrated.read, recalled, userid=user, vector=text(unit(1))) == "42501"
    assert refused(migrated.app, "SELECT st_chat_memory_fill(1)") == "42501"
    assert refused(migrated.app, f"ALTER TABLE {MEMORY} DISABLE ROW LEVEL SECURITY") == "42501"
    assert refused(migrated.app, f"ALTER TABLE {MEMORY} DISABLE TRIGGER USER") == "42501"
    assert refused(migrated.app, "SET session_replication_role = replica") == "42501"
    with as_user(migrated, user) as owner:  # which turns a filter into an error, and never into rows
        owner.execute("SET LOCAL row_security = off")
        assert refused_within(owner, f"SELECT * FROM {MEMORY}") == "42501"


@pytest.mark.parametrize("sql", ["'; DROP TABLE x; --", "' OR '1'='1", "$$ OR true", "%' --", "\\' OR 1=1 --", "*/"])
def test_strings_are_strings(migrated: MigratedDatabase, user: str, other_user: str, sql: str) -> None:
    odd = f"{user} {sql}"
    assert remember(migrated.app, memory(odd, theme=sql, summary=sql, metadata={sql: sql})) == [True]
    [found] = recall(migrated.app, odd, unit(1), theme=sql, metadata={sql: sql})
    assert (found["theme"], found["chat_summary"], found["metadata"]) == (sql, sql, {sql: sql})
    assert recall(migrated.app, sql, unit(1)) == []
    assert recall(migrated.app, other_user, unit(1), theme=sql) == []
    assert migrated.app.execute("SELECT st_chat_forget(:u, :t, NULL) AS n", {"u": odd, "t": sql}).rows == [{"n": 1}]
