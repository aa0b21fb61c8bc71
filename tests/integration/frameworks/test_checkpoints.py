"""The checkpointer: calls, sizes, pages, filters, the event loop, arguments that are wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from stchat.errors import InputError
from stchat.langgraph import DataApiSaver
from stchat.state import SHARED
from tests.support.checkpoints import LARGE, OPERATIONS, STATE, Step, at, checkpoint, dump, put_and_read, values
from tests.support.event_loop import turns_during
from tests.support.faults import Watched, watched
from tests.support.migrated_database import MigratedDatabase


def test_each_operation_is_one_call_and_none_shows_a_text(
    migrated: MigratedDatabase, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "stchat")
    for name, step in OPERATIONS.items():
        client = Watched(migrated.app.client)
        step(DataApiSaver(watched(migrated.app, client), user))
        assert (name, client.calls) == (name, ["execute_statement"])
    assert user not in caplog.text


def test_5_mb_in_and_out(migrated: MigratedDatabase, saver: DataApiSaver) -> None:
    put_and_read(saver, LARGE)
    saver.put(at("t", 1), checkpoint(2, b=LARGE[::-1], c="small"), {"step": 2}, {"b": "000002", "c": "000002"})
    saver.copy_thread("t", "u")
    for thread in "tu":
        found = saver.get_tuple(at(thread, 1))
        assert values(found) == {"a": LARGE}
        assert found is not None and found.pending_writes == [("task", "a", LARGE), ("task", "b", b"")]
    newer, older = saver.list(at("t"))
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


def test_the_event_loop_is_never_blocked(migrated: MigratedDatabase, user: str) -> None:
    """Each call takes 0.3 s longer; a state of 5 MB is written and read."""
    saver = DataApiSaver(migrated.app, user)
    migrated.endpoint.add_fault("latency", sql="st_chat_", seconds=0.3, count=-1)

    async def listed() -> None:
        assert len([one async for one in saver.alist(at("t"))]) == 1

    async def run() -> None:
        versions: Any = {"a": "000001", "b": "000001"}
        for work in (
            saver.aput(at("t"), checkpoint(1, a=STATE, b=LARGE), {"run_id": "r"}, versions),
            saver.aput_writes(at("t", 1), [("a", 1)], "task"),
            saver.aget_tuple(at("t")),
            listed(),
            saver.aget_delta_channel_history(config=at("t"), channels=["a"]),
            saver.acopy_thread("t", "u"),
            saver.aprune(["t"]),
            saver.aexpire("t", None),
            saver.adelete_for_runs(["r"]),
            saver.adelete_thread("t"),
        ):
            assert await turns_during(work) > 10

    asyncio.run(run())
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
