"""Threads that expire: never answered, deleted beside writes and by a sweep."""

from __future__ import annotations

from datetime import timedelta

from stchat.data_api import Database
from stchat.langgraph import DataApiSaver
from stchat.ops.sweep import sweep
from tests.support.checkpoints import OPERATIONS, Step, at, checkpoint, dump, values
from tests.support.migrated_database import MigratedDatabase


def expired(migrated: MigratedDatabase, user: str, thread: str) -> None:
    sql = "UPDATE st_chat_thread SET expires_at = now() - interval '1 s' WHERE userid = :user AND thread_id = :thread"
    assert migrated.master.execute(sql, {"user": user, "thread": thread}).updated == 1


def test_what_has_expired_is_never_answered(migrated: MigratedDatabase, saver: DataApiSaver, user: str) -> None:
    for step in [*OPERATIONS.values()][:4]:
        step(saver)
    assert saver.expire("t", timedelta(days=1))
    assert saver.get_tuple(at("t")) is not None
    expired(migrated, user, "t")
    assert saver.get_tuple(at("t")) is None
    assert [*saver.list(None)] == [*saver.list(at("t"))] == []
    assert saver.get_delta_channel_history(config=at("t"), channels=["d"]) == {"d": {"writes": []}}
    saver.copy_thread("t", "u")
    assert saver.get_tuple(at("u")) is None
    assert not saver.expire("t", None)
    saver.put(at("t", 2), checkpoint(3, b=1), {}, {"b": "000003"})  # a new thread of that name, which does not expire
    assert [values(one) for one in saver.list(None)] == [{"b": 1}]
    assert [len(rows) for rows in dump(migrated, user).values()] == [1, 1, 1, 0, 0, 0]


def test_expires_after_begins_anew_with_each_write(
    migrated: MigratedDatabase, database_of_states: Database, user: str
) -> None:
    saver = DataApiSaver(database_of_states, user, expires_after=timedelta(hours=1))
    left = """SELECT extract(epoch FROM expires_at - now())::int AS s FROM st_chat_thread
        WHERE userid = :u ORDER BY thread_id"""

    def seconds() -> list[int]:
        return [3600 - row["s"] for row in migrated.master.execute(left, {"u": user}).rows]

    saver.put(at("t"), checkpoint(1, a=1), {}, {"a": "000001"})
    writes: list[Step] = [
        lambda saver: saver.put_writes(at("t", 1), [("a", 1)], "task"),
        lambda saver: saver.copy_thread("t", "u"),
    ]
    for write in writes:
        migrated.master.execute(
            "UPDATE st_chat_thread SET expires_at = now() + interval '9 s' WHERE userid = :u", {"u": user}
        )
        write(saver)
    assert [number < 60 for number in seconds()] == [False, True]  # the source of a copy stays as it was


def test_a_write_deletes_a_thread_that_has_expired_and_a_sweep_deletes_all(
    migrated: MigratedDatabase, saver: DataApiSaver, user: str
) -> None:
    names = [f"{number}" for number in range(5)]
    for name in names:
        saver.put(at(name), checkpoint(1, a=1), {}, {"a": "000001"})
    for name in names:
        expired(migrated, user, name)
    saver.put(at("t"), checkpoint(1, a=1), {}, {"a": "000001"})
    assert [len(rows) for rows in dump(migrated, user).values()] == [5, 5, 5, 0, 0, 0]
    step = "SELECT st_chat_sweep_states(:limit::int) AS swept"
    assert migrated.app.execute(step, {"limit": 100}).rows == [{"swept": 0}]  # it sees no user's
    assert migrated.master.execute(step, {"limit": 3}).rows == [{"swept": 3}]
    assert sweep(migrated.master).states >= 1
    assert migrated.master.execute(step, {"limit": 100}).rows == [{"swept": 0}]
    assert [one.config["configurable"]["thread_id"] for one in saver.list(None)] == ["t"]
