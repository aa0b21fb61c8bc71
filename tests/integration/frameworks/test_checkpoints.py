"""The checkpointer: calls, sizes, pages, isolation, what an answer that is lost leaves, expiry."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stchat.data_api import DataApi, Database
from stchat.errors import DatabaseError, InputError
from stchat.langgraph import DataApiSaver
from stchat.state import SHARED
from tests.support.checkpoints import TABLES, at, checkpoint, dump, values
from tests.support.faults import Watched, watched
from tests.support.migrated_database import MigratedDatabase
from tests.support.own_sql import as_user, refused_within

Step = Callable[[DataApiSaver], object]
STATE = os.urandom(10_000)
LARGE = os.urandom(5_000_000)
DELTAS: Any = {"step": 1, "counters_since_delta_snapshot": {"d": (1, 1)}}

# What is done in this order, each in one call.
OPERATIONS: dict[str, Step] = {
    "put": lambda saver: saver.put(at("t"), checkpoint(1, a=STATE, d=[]), {"step": 0}, {"a": "000001", "d": "000001"}),
    "put the next": lambda saver: saver.put(
        at("t", 1), checkpoint(2, a=1) | {"channel_versions": {"a": "000002", "d": "x"}}, DELTAS, {"a": "000002"}
    ),
    "put_writes": lambda saver: saver.put_writes(at("t", 1), [("d", [1]), ("__error__", "no"), ("a", STATE)], "task"),
    "put them again": lambda saver: saver.put_writes(at("t", 1), [("d", [2]), ("__error__", "yes")], "task", "path"),
    "get_tuple": lambda saver: saver.get_tuple(at("t")),
    "list": lambda saver: [*saver.list(at("t"), limit=40)],
    "history": lambda saver: saver.get_delta_channel_history(config=at("t"), channels=["d"]),
    "copy_thread": lambda saver: saver.copy_thread("t", "u"),
    "put a third": lambda saver: saver.put(at("u", 2), checkpoint(3, a=2), {"run_id": "r"}, {"a": "000003"}),
    "expire": lambda saver: saver.expire("u", None),
    "prune": lambda saver: saver.prune(["t", "u", "v"]),
    "delete_for_runs": lambda saver: saver.delete_for_runs(["r", "s"]),
    "copy it back": lambda saver: saver.copy_thread("t", "v"),
    "delete_thread": lambda saver: saver.delete_thread("v"),
}


def put_and_read(saver: DataApiSaver, data: bytes) -> None:
    saver.put(at("t"), checkpoint(1, a=data), {}, {"a": "000001"})
    saver.put_writes(at("t", 1), [("a", data), ("b", b"")], "task")
    assert values(saver.get_tuple(at("t"))) == {"a": data}


def test_each_operation_is_one_call_and_none_shows_a_text(
    migrated: MigratedDatabase, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "stchat")
    for name, step in OPERATIONS.items():
        client = Watched(migrated.app.client)
        step(DataApiSaver(watched(migrated.app, client), user))
        assert (name, client.calls) == (name, ["execute_statement"])
    assert user not in caplog.text


@pytest.mark.parametrize("kind", ["error_before", "drop_after"])
def test_a_lost_answer_leaves_what_an_undisturbed_run_leaves(
    migrated: MigratedDatabase, user: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call is met twice: it runs up to three times."""
    monkeypatch.setattr("tests.support.checkpoints.empty_checkpoint", lambda: {"v": 4, "ts": "", "versions_seen": {}})
    quiet, met = DataApiSaver(migrated.app, f"quiet {user}"), DataApiSaver(migrated.app, f"met {user}")
    for name, step in OPERATIONS.items():
        undisturbed = step(quiet)
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_", count=2)
        assert (name, step(met)) == (name, undisturbed)
        assert (name, dump(migrated, met.userid)) == (name, dump(migrated, quiet.userid))
    assert [len(rows) for rows in dump(migrated, met.userid).values()] == [1, 2, 3, 3, 0, 0]


def test_a_lost_answer_within_a_transaction(
    migrated: MigratedDatabase, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.checkpoints.empty_checkpoint", lambda: {"v": 4, "ts": "", "versions_seen": {}})
    monkeypatch.setattr("stchat.state.streams.REQUEST_BYTES", 30_000)
    monkeypatch.setattr("stchat.state.streams.PART_BYTES", 20_000)
    quiet = DataApiSaver(migrated.app, f"quiet {user}")
    put_and_read(quiet, LARGE[:50_000])
    for number, (operation, sql) in enumerate(
        [("BeginTransaction", ""), ("ExecuteStatement", "st_chat_upload"), ("ExecuteStatement", "st_chat_put"),
         ("CommitTransaction", "")]
    ):  # fmt: skip
        met = DataApiSaver(migrated.app, f"met {number} {user}")
        migrated.endpoint.add_fault("drop_after", operation=operation, count=2, **({"sql": sql} if sql else {}))
        put_and_read(met, LARGE[:50_000])
        migrated.endpoint.clear_faults()
        assert dump(migrated, met.userid) == dump(migrated, quiet.userid)


def test_5_mb_in_and_out(migrated: MigratedDatabase, saver: DataApiSaver) -> None:
    put_and_read(saver, LARGE)
    saver.put(at("t", 1), checkpoint(2, b=LARGE[::-1], c="small"), {"step": 2}, {"b": "000002", "c": "000002"})
    saver.copy_thread("t", "u")
    for thread in "tu":
        found = saver.get_tuple(at(thread, 1))
        assert values(found) == {"a": LARGE}
        assert found is not None and found.pending_writes == [("task", "a", LARGE), ("task", "b", b"")]
        newer, older = saver.list(at(thread))
        assert (values(newer), values(older)) == ({"b": LARGE[::-1], "c": "small"}, {"a": LARGE})
    assert dump(migrated, saver.userid)["st_chat_upload"] == []


def test_a_page_of_list_is_one_call(migrated: MigratedDatabase, user: str) -> None:
    client = Watched(migrated.app.client)
    saver = DataApiSaver(watched(migrated.app, client), user)
    for number in range(120):
        namespace = "other" if number % 4 == 3 else ""
        saver.put(at("t", None, namespace), checkpoint(number, a=number), {"step": number % 2}, {"a": f"{number:06d}"})
    client.calls.clear()
    assert [values(one)["a"] for one in saver.list(at("t"))] == [n for n in range(119, -1, -1) if n % 4 != 3]
    assert client.calls == ["execute_statement"] * 2
    assert [values(one)["a"] for one in saver.list({"configurable": {"thread_id": "t"}})] == [*range(119, -1, -1)]
    client.calls.clear()
    assert len([*saver.list(None, filter={"step": 1}, before=at("t", 100), limit=50)]) == 50
    assert client.calls == ["execute_statement"]
    assert [*saver.list(None, limit=0)] == [*saver.list(at("nowhere"))] == []
    saver.copy_thread("t", "u")
    assert len([*saver.list(None)]) == 240  # each id twice


def test_a_page_that_is_too_large_is_read_in_smaller_ones(migrated: MigratedDatabase, user: str) -> None:
    client = Watched(migrated.app.client)
    saver = DataApiSaver(watched(migrated.app, client), user)
    for number in range(9):
        saver.put(at("t"), checkpoint(number, a=STATE * 20), {}, {"a": f"{number:06d}"})
    client.calls.clear()
    assert [values(one) for one in saver.list(at("t"))] == [{"a": STATE * 20}] * 9
    assert set(client.calls) == {"execute_statement"}
    assert len(client.calls) == 5  # 2 fit 600,000 bytes


def test_filters(saver: DataApiSaver) -> None:
    odd = {
        "nan": float("nan"),
        "zero": "a\0b",
        "long": "x" * 20_000,
        "half": "\ud800",
        "n": 1,
        "none": None,
        "d": {"a": 1},
    }
    saver.put(at("t"), checkpoint(1), odd, {})  # type: ignore[arg-type]
    found = saver.get_tuple(at("t"))
    assert found is not None
    assert {key: value for key, value in found.metadata.items() if key not in ("nan", "zero", "half")} == {
        "long": "x" * 20_000, "n": 1, "none": None, "d": {"a": 1},
    }  # fmt: skip
    filters: list[tuple[dict[str, Any], int]] = [
        ({"n": 1}, 1), ({"n": 1.0}, 1), ({"n": "1"}, 0), ({"n": True}, 0), ({"none": None}, 1), ({"unknown": None}, 1),
        ({"d": {"a": 1}}, 1), ({"d": {}}, 0),
    ]  # fmt: skip
    for filter, count in filters:
        assert (filter, len([*saver.list(at("t"), filter=filter)])) == (filter, count)


def test_no_user_sees_another_ones_threads(
    migrated: MigratedDatabase, database_of_states: Database, saver: DataApiSaver, user: str
) -> None:
    for step in [*OPERATIONS.values()][:4]:
        step(saver)
    before = dump(migrated, user)
    for other in (DataApiSaver(database_of_states, f"other {user}"), DataApiSaver(database_of_states)):
        assert other.get_tuple(at("t")) is None
        assert [one for one in other.list(None) if one.config["configurable"]["thread_id"] == "t"] == []
        other.copy_thread("t", "u")
        other.prune(["t"])
        other.delete_for_runs(["r"])
        other.delete_thread("t")
        assert not other.expire("t", timedelta(1))
        assert other.get_tuple(at("u")) is None
        other.put(at("t"), checkpoint(1, a="theirs"), {}, {"a": "000001"})
        assert values(other.get_tuple(at("t"))) == {"a": "theirs"}
        other.delete_thread("t")
    assert dump(migrated, user) == before
    assert DataApiSaver(database_of_states).userid == SHARED


def test_the_database_holds_to_it_without_the_library(
    migrated: MigratedDatabase, saver: DataApiSaver, user: str
) -> None:
    for step in [*OPERATIONS.values()][:4]:
        step(saver)
    [row] = migrated.master.execute("SELECT primarykey FROM st_chat_thread WHERE userid = :u", {"u": user}).rows
    for table in TABLES:
        assert migrated.app.execute(f"SELECT 1 FROM {table}").rows == []
    with as_user(migrated, f"other {user}") as transaction:
        for table in TABLES:
            assert transaction.execute(f"SELECT 1 FROM {table}").rows == []
            assert transaction.execute(f"DELETE FROM {table} RETURNING 1").rows == []
        columns = "(thread, userid, namespace, channel, version, type, data)"
        insert = f"INSERT INTO st_chat_checkpoint_blob {columns} VALUES (:key, :userid, '', 'a', '9', 'null', '')"
        key = row["primarykey"]
        assert refused_within(transaction, insert, key=key, userid=f"other {user}") == "23503"
        assert refused_within(transaction, insert, key=key, userid=user) == "42501"
        values = "OVERRIDING SYSTEM VALUE VALUES (:key, :userid, 't')"
        own = f"INSERT INTO st_chat_thread (primarykey, userid, thread_id) {values}"
        assert refused_within(transaction, own, key=key + 9, userid=f"other {user}") == "42501"


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
    sweep = "SELECT st_chat_sweep_states(:limit::int) AS swept"
    assert migrated.app.execute(sweep, {"limit": 100}).rows == [{"swept": 0}]  # it sees no user's
    assert migrated.master.execute(sweep, {"limit": 3}).rows == [{"swept": 3}]
    assert migrated.master.execute(sweep, {"limit": 100}).rows[0]["swept"] >= 1
    assert [one.config["configurable"]["thread_id"] for one in saver.list(None)] == ["t"]


def test_the_event_loop_is_never_blocked(migrated: MigratedDatabase, user: str) -> None:
    """While each call takes 0.3 s longer, and a state of 5 MB is written and read."""
    saver = DataApiSaver(migrated.app, user)
    migrated.endpoint.add_fault("latency", sql="st_chat_", seconds=0.3, count=-1)

    async def run() -> float:
        longest, last = 0.0, time.perf_counter()

        async def work() -> None:
            await saver.aput(at("t"), checkpoint(1, a=STATE, b=LARGE), {"run_id": "r"}, {"a": "000001", "b": "000001"})
            await saver.aput_writes(at("t", 1), [("a", 1)], "task")
            assert await saver.aget_tuple(at("t")) is not None
            assert len([one async for one in saver.alist(at("t"))]) == 1
            await saver.aget_delta_channel_history(config=at("t"), channels=["a"])
            await saver.acopy_thread("t", "u")
            await saver.aprune(["t"])
            await saver.aexpire("t", None)
            await saver.adelete_for_runs(["r"])
            await saver.adelete_thread("t")

        task = asyncio.create_task(work())
        while not task.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        await task
        return longest

    assert asyncio.run(run()) < 0.25
    migrated.endpoint.clear_faults()


def test_many_tasks_of_one_thread_at_once(saver: DataApiSaver) -> None:
    async def run() -> None:
        await asyncio.gather(
            *(saver.aput_writes(at("t", 1), [("a", number)], f"{number:02d}") for number in range(24)),
            saver.aput(at("t"), checkpoint(1, a=1), {}, {"a": "000001"}),
            saver.aprune(["t"]),
        )

    asyncio.run(run())
    found = saver.get_tuple(at("t"))
    assert found is not None
    assert found.pending_writes == [(f"{number:02d}", "a", number) for number in range(24)]


WRONG: list[tuple[Step, str]] = [
    (lambda saver: saver.get_tuple({"configurable": {}}),
     'thread_id must be given, got none: name the thread: {"configurable": {"thread_id": "..."}}'),
    (lambda saver: saver.put_writes(at("t"), [("a", 1)], "task"),
     "checkpoint_id must be given, got none: name the checkpoint that the writes come after"),
    (lambda saver: saver.get_tuple(at("x" * 1001)),
     "thread_id must have at most 1,000 bytes of UTF-8, got 1,001: use a shorter one, such as a hash of it"),
    (lambda saver: saver.prune(["t"], strategy="all"),
     "strategy must be 'keep_latest' or 'delete', got text of 3 characters"),
    (lambda saver: next(saver.list(None, filter={"a": 1, "b": object()})),
     "filter must have values that JSON can hold, of at most 16,384 bytes, got another one, number 2"),
    (lambda saver: saver.expire("t", timedelta()),
     "expires_after must be a timedelta of more than 0 and at most 36500 days, got 0:00:00"),
    (lambda saver: DataApiSaver(saver.api, SHARED),
     "userid must not be '(shared)', got '(shared)': leave userid out for states without a user"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_what_is_wrong_is_named_before_anything_is_sent(
    migrated: MigratedDatabase, user: str, wrong: Step, message: str
) -> None:
    client = Watched(migrated.app.client)
    with pytest.raises(InputError) as raised:
        wrong(DataApiSaver(watched(migrated.app, client), user))
    assert (str(raised.value), client.calls) == (message, [])


def test_data_that_was_never_uploaded(migrated: MigratedDatabase, user: str) -> None:
    sql = "SELECT st_chat_write_state(:userid, 'k', NULL, NULL) AS swept"
    app: DataApi = migrated.app
    with pytest.raises(DatabaseError, match=r"^data must be given, or uploaded before in this transaction$"):
        app.execute(sql, {"userid": user})
