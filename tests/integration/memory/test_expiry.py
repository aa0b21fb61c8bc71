"""What has expired is not there for any operation, also before it is deleted: beside writes, and by a sweep."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory, Remembered
from stchat.errors import ConflictError
from stchat.ops.cli.main import main
from stchat.ops.sweep import Expired, Sweep, expired, sweep
from tests.support.data_api_endpoint import until
from tests.support.faults import data_api
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

TURNS, MEMORIES = "st_chat_history_table", "st_chat_history_vector_table"
PAST = datetime.now(UTC) - timedelta(days=1)


def expire(migrated: MigratedDatabase, user: str, table: str, where: str = "true") -> None:
    """As time does: nothing is called."""
    sql = f"UPDATE {table} SET expires_at = now() - interval '1 hour' WHERE userid = :userid AND {where}"
    migrated.master.execute(sql, {"userid": user})


def stored(migrated: MigratedDatabase, user: str, table: str = MEMORIES) -> int:
    [row] = migrated.master.execute(f"SELECT count(*) AS n FROM {table} WHERE userid = :u", {"u": user}).rows
    return int(row["n"])


def test_an_expired_turn_is_not_there(migrated: MigratedDatabase, history: ChatHistory, user: str) -> None:
    for chatid in range(4):
        history.add(user, f"t {chatid % 2}", chatid, "a", "b")
    expire(migrated, user, TURNS, "chatid < 3")
    assert [turn.chatid for turn in history.turns(user)] == [3]
    assert history.turns(user, "t 0") == []
    assert [(theme.theme, theme.turns) for theme in history.themes(user)] == [("t 1", 1)]
    assert stored(migrated, user, TURNS) == 4
    assert history.add(user, "t 0", 0, "another", None), "its chatid is free"
    assert [turn.chatid for turn in history.turns(user)] == [0, 3]
    assert stored(migrated, user, TURNS) == 2, "a write deletes what has expired"
    expire(migrated, user, TURNS, "chatid = 0")
    assert history.delete(user) == 1, "what has expired is not counted"
    assert stored(migrated, user, TURNS) == 0


def test_an_expired_memory_is_not_there(migrated: MigratedDatabase, memory: ChatMemory, user: str) -> None:
    for chatid in range(4):
        memory.remember(user, "t", chatid, "s", None, axis(1), id=f"id {chatid}" if chatid else None)
    before = memory.list(user)
    expire(migrated, user, MEMORIES, "chatid < 3")
    ids = [one.id for one in before]
    assert memory.get(user, ids) == memory.list(user) == before[3:]
    assert memory.list(user, after=before[1].id) == before[3:], "as the end of a page it still serves"
    assert not memory.update(user, ids[1], metadata={"n": 1})
    assert stored(migrated, user) == 4
    assert memory.remember_many(
        {"userid": user, "theme": "t", "chatid": chatid, "summary": "s", "vector": axis(1)}
        | ({"id": f"id {chatid}"} if chatid else {})
        for chatid in range(2)
    ) == Remembered(created=2)
    again = memory.list(user)
    assert [one.chatid for one in again] == [3, 0, 1]
    assert again[-1].created_at > before[1].created_at  # type: ignore[operator]
    assert stored(migrated, user) == 3
    expire(migrated, user, MEMORIES)
    assert memory.forget(user, ["id 1"]) == memory.delete(user) == 0
    assert stored(migrated, user) == 0


def test_one_call_has_a_time_of_its_own_and_the_rest_the_default(
    history: ChatHistory, memory: ChatMemory, user: str
) -> None:
    brief = replace(memory, expires_after=timedelta(days=30))
    kept = replace(history, expires_after=timedelta(days=7))
    now = datetime.now(UTC)
    brief.remember(user, "t", 1, "default", None, axis(1), id="default")
    brief.remember(user, "t", 1, "own", None, axis(1), id="own", expires_at="2999-01-01T09:00:00+09:00")
    memory.remember(user, "t", 1, "never", None, axis(1), id="never")
    default, own, never = memory.list(user)
    assert timedelta(0) <= default.expires_at - now - timedelta(days=30) < timedelta(minutes=5)  # type: ignore[operator]
    assert (own.expires_at, never.expires_at) == (datetime(2999, 1, 1, tzinfo=UTC), None)
    assert brief.update(user, "default", expires_at=None)
    assert brief.get(user, ["default"])[0].expires_at is None
    assert not memory.remember(user, "t", 1, "own", None, axis(1), id="own"), "it is replaced, its time too"
    assert memory.get(user, ["own"])[0].expires_at is None
    assert history.add(user, "t", 1, "a", "b", PAST)
    assert kept.add(user, "t", 1, "a", "b"), "it had expired at once"
    with pytest.raises(ConflictError):
        history.add(user, "t", 1, "another", "b", PAST)
    turns = [
        {"userid": user, "theme": "t", "chatid": 2, "expires_at": PAST},
        {"userid": user, "theme": "t", "chatid": 3},
    ]
    assert kept.add_many(turns).created == 2
    assert [turn.chatid for turn in history.turns(user)] == [3, 1]


def test_a_write_deletes_20_of_its_users(
    migrated: MigratedDatabase, history: ChatHistory, memory: ChatMemory, user: str
) -> None:
    for name in (user, f"other {user}"):
        items = [{"userid": name, "theme": "t", "chatid": n, "summary": "s", "vector": axis(1)} for n in range(30)]
        memory.remember_many(items)
        history.add_many({"userid": name, "theme": "t", "chatid": n} for n in range(30))
        expire(migrated, name, MEMORIES)
        expire(migrated, name, TURNS)
    with migrated.endpoint.psql(migrated.master.database) as other, other.transaction():
        sql = f"SELECT primarykey FROM {MEMORIES} WHERE userid = %s ORDER BY expires_at, primarykey LIMIT 5 FOR UPDATE"
        other.execute(sql, (user,))
        memory.remember(user, "u", 1, "new", None, axis(1))
        assert stored(migrated, user) == 11, "those that are locked are not waited for"
    assert memory.update(user, memory.list(user)[0].id, metadata={"n": 1})
    assert stored(migrated, user) == 1
    history.add(user, "u", 1, "new", None)
    assert stored(migrated, user, TURNS) == 11
    assert stored(migrated, f"other {user}") == stored(migrated, f"other {user}", TURNS) == 30


def test_nothing_resumes_a_cluster_for_what_expires(
    migrated: MigratedDatabase, history: ChatHistory, memory: ChatMemory, user: str
) -> None:
    data_api(memory.api)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    memory.remember(user, "t", 1, "s", None, axis(1), expires_at=soon)
    history.add(user, "t", 1, "a", "b", soon)
    assert len(memory.list(user)) == len(history.turns(user)) == 1
    migrated.endpoint.pause()
    until(lambda: datetime.now(UTC) > soon, "they have expired")
    assert migrated.endpoint.cluster["state"] == "paused"
    assert (memory.with_timeout(20).list(user), history.turns(user)) == ([], [])


def test_callers_at_once_with_an_expired_memory(migrated: MigratedDatabase, memory: ChatMemory, user: str) -> None:
    memory.remember(user, "t", 1, "s", None, axis(1))
    expire(migrated, user, MEMORIES)
    with ThreadPoolExecutor(32) as pool:
        created = list(pool.map(lambda _: memory.remember(user, "t", 1, "s", None, axis(1)), range(64)))
    assert (created.count(True), len(memory.list(user)), stored(migrated, user)) == (1, 1, 1)


ROWS = f"""
INSERT INTO {TURNS} (userid, themename, chatid, expires_at)
SELECT 'swept ' || n % 50, 't', n, now() - interval '1 day' FROM generate_series(1, 4000) AS n"""
KEPT = f"""
INSERT INTO {TURNS} (userid, themename, chatid, expires_at)
SELECT 'swept ' || n, 'kept', n, CASE WHEN n % 2 = 0 THEN now() + interval '1 day' END
FROM generate_series(1, 60) AS n"""


def test_the_sweep_deletes_the_rest(
    migrated: MigratedDatabase,
    memory: ChatMemory,
    user: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    master = migrated.master
    master.execute(f"DELETE FROM {TURNS} WHERE userid LIKE 'swept %'")
    sweep(master)
    master.execute(ROWS)
    master.execute(KEPT)
    items = [{"userid": user, "theme": "t", "chatid": n, "summary": "s", "vector": axis(1)} for n in range(30)]
    memory.remember_many(items)
    expire(migrated, user, MEMORIES, "chatid < 25")
    assert expired(master) == Expired(4000, 25)
    steps: list[int] = []

    def stop(progress: Sweep) -> None:
        steps.append(progress.turns + progress.memories)
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(master, stop)
    assert steps[0] <= steps[1] <= 2000
    assert expired(master) == Expired(4000 - steps[1], 25), "what is deleted stays deleted"
    monkeypatch.setattr("stchat.ops.cli.user.connect", lambda _: master)
    with migrated.endpoint.psql(master.database) as other, other.transaction():
        other.execute(f"SELECT 1 FROM {TURNS} WHERE userid = 'swept 49' AND expires_at < now() LIMIT 1 FOR UPDATE")
        assert main(["user", "sweep"]) == 0
    assert capsys.readouterr().out == (
        f"deleted: {3999 - steps[1]:,} turns, 25 memories; left, since others have locked them or they expired"
        " meanwhile: 1\n"
    )
    assert main(["user", "sweep", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["turns"], row["memories"], row["left"]) == (1, 0, 0)
    [kept] = master.execute(f"SELECT count(*) AS n FROM {TURNS} WHERE userid LIKE 'swept %'").rows
    assert (kept["n"], stored(migrated, user)) == (60, 5)
    assert len(memory.recall_vector(user, axis(1), k=100)) == 5
    [codes] = master.execute("SELECT count(*) AS n FROM st_chat_memory_code WHERE userid = :u", {"u": user}).rows
    assert codes["n"] == 5
