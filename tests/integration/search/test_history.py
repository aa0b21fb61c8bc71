"""What the chat history's functions do, as the application's role."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.memory_functions import refused
from tests.support.migrated_database import MigratedDatabase

ADD = "SELECT st_chat_add_turn(:userid, :theme, :chatid, :said, :answered) AS done"
TURNS = "SELECT * FROM st_chat_turns(:userid, :theme::text, :limit::int, :before::bigint)"


def add(
    migrated: MigratedDatabase,
    userid: str,
    chatid: int,
    theme: str = "t",
    said: str | None = "a",
    answered: str | None = "b",
) -> str:
    values = {"userid": userid, "theme": theme, "chatid": chatid, "said": said, "answered": answered}
    sql = ADD.replace(":said", ":said::text").replace(":answered", ":answered::text")
    return str(migrated.app.execute(sql, values).rows[0]["done"])


def turns(
    migrated: MigratedDatabase,
    userid: str,
    theme: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[Any]:
    return migrated.app.execute(TURNS, {"userid": userid, "theme": theme, "limit": limit, "before": before}).rows


def test_a_turn_is_one(migrated: MigratedDatabase, user: str) -> None:
    assert [
        add(migrated, user, 1),
        add(migrated, user, 1),
        add(migrated, user, 1, answered="c"),
    ] == [
        "written",
        "known",
        "conflict",
    ]
    assert [add(migrated, user, 2, said=None), add(migrated, user, 2, said=None), add(migrated, user, 2)] == [
        "written", "known", "conflict",
    ]  # fmt: skip
    assert [(row["chatid"], row["userinput"], row["botresponse"]) for row in turns(migrated, user)] == [
        (2, None, "b"), (1, "a", "b"),
    ]  # fmt: skip


def test_callers_at_once_with_the_same_turns(migrated: MigratedDatabase, user: str) -> None:
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda n: add(migrated, user, n % 16, answered=str(n % 32)), range(128)))
    assert (done.count("written"), done.count("known"), done.count("conflict")) == (16, 48, 64)
    assert len(turns(migrated, user)) == 16


def test_pages_newest_first(migrated: MigratedDatabase, user: str) -> None:
    for chatid in range(10):
        add(migrated, user, chatid, f"theme {chatid % 2}")
        add(migrated, f"other {user}", chatid)
    seen: list[int] = []
    before = None
    while page := turns(migrated, user, limit=3, before=before):
        seen += [row["chatid"] for row in page]
        before = page[-1]["primarykey"]
    assert seen == list(reversed(range(10)))
    first = turns(migrated, user, "theme 1", 3)
    assert [row["chatid"] for row in first] == [9, 7, 5]
    assert [row["chatid"] for row in turns(migrated, user, "theme 1", 3, first[-1]["primarykey"])] == [3, 1]
    assert turns(migrated, user, limit=0) == []
    assert turns(migrated, user, before=0) == []


def test_themes_and_delete(migrated: MigratedDatabase, user: str) -> None:
    for chatid in range(5):
        add(migrated, user, chatid, "old" if chatid < 3 else "new")
    themes = migrated.app.execute("SELECT * FROM st_chat_themes(:userid)", {"userid": user}).rows
    assert [(row["themename"], row["turns"]) for row in themes] == [("new", 2), ("old", 3)]
    newest = turns(migrated, user, limit=1)[0]
    assert themes[0]["latest"] == newest["timestamp"]
    delete = "SELECT st_chat_delete_turns(:userid, :theme::text) AS n"
    assert migrated.app.execute(delete, {"userid": user, "theme": "old"}).rows == [{"n": 3}]
    assert migrated.app.execute(delete, {"userid": user, "theme": None}).rows == [{"n": 2}]
    assert turns(migrated, user) == []


@pytest.mark.parametrize("length", [0, 7_000, 7_001, 20_000])
def test_long_texts_come_in_parts(migrated: MigratedDatabase, user: str, length: int) -> None:
    add(migrated, user, 1, said="😀" * length, answered="short")
    rows = turns(migrated, user)
    assert "".join(row["userinput"] for row in rows) == "😀" * length
    assert "".join(row["botresponse"] for row in rows) == "short"
    assert [row["part"] for row in rows] == list(range(max(1, -(-length // 7_000))))


def test_no_user(migrated: MigratedDatabase) -> None:
    for userid in ("", None):
        values = {"userid": userid, "theme": "t", "chatid": 1, "said": "a", "answered": "b"}
        assert refused(migrated.app, ADD.replace(":userid", ":userid::text"), **values) == "22023"


def test_pages_come_from_the_index_whatever_statistics_say(migrated: MigratedDatabase, user: str) -> None:
    """Statistics from when there was one user tempt PostgreSQL to walk over everyone's turns by the primary key."""
    plan = """
        SELECT t.primarykey FROM st_chat_history_table AS t
        WHERE t.userid = 'only' AND -t.primarykey > -9223372036854775807 ORDER BY -t.primarykey LIMIT 5"""
    fill = """
        INSERT INTO st_chat_history_table (userid, themename, chatid)
        SELECT :userid, 't', n FROM generate_series(1, 5000) AS n"""
    migrated.master.execute(fill, {"userid": "only"})
    migrated.master.execute("ANALYZE st_chat_history_table")
    migrated.master.execute(fill, {"userid": user})
    with migrated.endpoint.psql("st_chat_db") as superuser:
        superuser.execute("SET enable_seqscan = off")
        superuser.execute("SET enable_bitmapscan = off")
        lines = "\n".join(row[0] for row in superuser.execute(f"EXPLAIN {plan}".encode()))
    assert "idx_st_chat_history_newest" in lines
    assert "Sort" not in lines
    assert len(turns(migrated, user, limit=5)) == 5
    migrated.master.execute("DELETE FROM st_chat_history_table WHERE userid IN ('only', :userid)", {"userid": user})
