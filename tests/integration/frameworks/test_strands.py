"""Strands' storage over both transports, and an agent's session that another process goes on with."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from strands import Agent
from strands.models import Model
from strands.session import SnapshotSessionManager
from strands.storage import InMemoryStorage, Storage
from strands.types.exceptions import StorageError

from stchat.data_api import Database
from stchat.errors import InputError
from stchat.strands import StateStorage
from tests.support.checkpoints import dump
from tests.support.event_loop import turns_during
from tests.support.faults import Watched, watched
from tests.support.migrated_database import MigratedDatabase

KEYS = ["a", "a/b", "a/c", "ab", "b/\ud7ff", "b/\ue000", "b/\U0010ffff", "é", "日本"]
LARGE = os.urandom(5_000_000)

protocol: type[Storage[str, str]] = StateStorage  # mypy --strict compares them


class Scripted(Model):
    """Answers with the number of messages that it was sent."""

    def update_config(self, **model_config: Any) -> None: ...
    def get_config(self) -> Any: ...

    def structured_output(self, output_model: Any, prompt: Any, system_prompt: Any = None, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def stream(self, messages: Any, *args: Any, **kwargs: Any) -> AsyncIterable[Any]:  # noqa: ARG002
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockDelta": {"delta": {"text": f"{len(messages)} messages"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}


@pytest.fixture
def storage(database_of_states: Database, user: str) -> StateStorage:
    return StateStorage(database_of_states, user)


T = TypeVar("T")


def done(work: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        return await work()

    return asyncio.run(run())


def test_as_strands_own_storage_in_memory(storage: StateStorage) -> None:
    answers: list[list[Any]] = []
    stores: list[Any] = [storage, InMemoryStorage()]
    for each in stores:

        async def run(store: Any = each) -> list[Any]:
            for key in KEYS:
                await store.write(key, key.encode())
                await store.write(key, b"\x00" + key.encode())
            await store.write("empty", b"")
            scoped = store.namespace("a").namespace("/deep/")
            await scoped.write("cat", b"the cat likes tuna")
            await scoped.write("dog", b"the dog likes bones")
            await store.delete("a/b")
            await store.delete("unknown")
            found = [
                await store.list(prefix) for prefix in ("", "a", "a/", "b/", "b/\ue000", "日", "zzz", "\U0010ffff")
            ]
            found += [[await store.read(key) for key in (*KEYS, "empty", "unknown", "a/deep/cat")]]
            found += [await scoped.list(""), await scoped.list("c"), await scoped.read("cat")]
            found += [[(one.key, one.score) for one in await scoped.search("does a cat like tuna?")]]
            return found

        answers.append(done(run))
    assert answers[0] == answers[1]


def test_each_operation_is_one_call_and_a_large_value_is_a_transaction(migrated: MigratedDatabase, user: str) -> None:
    client = Watched(migrated.app.client)
    storage = StateStorage(watched(migrated.app, client), user)
    work: list[Callable[[], Awaitable[object]]] = [
        lambda: storage.write("k", b"x" * 10_000), lambda: storage.read("k"), lambda: storage.list(""),
        lambda: storage.delete("k"),
    ]  # fmt: skip
    for each in work:
        client.calls.clear()
        done(each)
        assert client.calls == ["execute_statement"]
    done(lambda: storage.write("large", LARGE))
    assert client.calls[1:] == ["begin_transaction", *["execute_statement"] * 3, "commit_transaction"]
    assert done(lambda: storage.read("large")) == LARGE
    assert dump(migrated, user)["st_chat_upload"] == []


def test_keys_of_over_1_mib_are_listed(migrated: MigratedDatabase, storage: StateStorage, user: str) -> None:
    made = "SELECT :user, to_char(n, 'FM0000') || repeat('x', 900), '' FROM generate_series(1, 1300) AS n"
    migrated.master.execute(f"INSERT INTO st_chat_state (userid, key, data) {made}", {"user": user})
    assert done(storage.list) == [f"{number:04d}" + "x" * 900 for number in range(1, 1_301)]


def test_no_user_sees_another_ones_values(migrated: MigratedDatabase, storage: StateStorage, user: str) -> None:
    done(lambda: storage.write("k", b"mine"))
    before = dump(migrated, user)
    for other in (StateStorage(storage.api, f"other {user}"), StateStorage(storage.api)):
        assert done(lambda other=other: other.read("k")) is None  # type: ignore[misc]
        assert done(lambda other=other: other.list("k")) == []  # type: ignore[misc]
        done(lambda other=other: other.write("k", b"theirs"))  # type: ignore[misc]
        done(lambda other=other: other.delete("k"))  # type: ignore[misc]
    assert dump(migrated, user) == before


def test_what_has_expired_is_never_answered(migrated: MigratedDatabase, storage: StateStorage, user: str) -> None:
    brief = StateStorage(storage.api, user, expires_after=timedelta(hours=1))
    done(lambda: brief.write("k", b"1"))
    done(lambda: brief.write("l", b"1"))
    assert done(brief.list) == ["k", "l"]
    migrated.master.execute("UPDATE st_chat_state SET expires_at = now() WHERE userid = :user", {"user": user})
    assert done(lambda: brief.read("k")) is None
    assert done(brief.list) == []
    done(lambda: storage.write("k", b"2"))  # this one does not expire; the other one is deleted beside it
    assert done(lambda: storage.read("k")) == b"2"
    assert len(dump(migrated, user)["st_chat_state"]) == 1


@pytest.mark.parametrize("kind", ["error_before", "drop_after"])
def test_a_lost_answer_leaves_what_an_undisturbed_run_leaves(migrated: MigratedDatabase, user: str, kind: str) -> None:
    quiet, met = StateStorage(migrated.app, f"quiet {user}"), StateStorage(migrated.app, f"met {user}")
    for key, data in [("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", None)]:

        async def step(storage: StateStorage, key: str = key, data: bytes | None = data) -> object:
            await (storage.delete(key) if data is None else storage.write(key, data))
            return [await storage.list(), await storage.read(key)]

        undisturbed = asyncio.run(step(quiet))
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="_state", count=2)
        assert asyncio.run(step(met)) == undisturbed
        migrated.endpoint.clear_faults()
        assert dump(migrated, met.userid) == dump(migrated, quiet.userid)


def test_failures_are_strands_own(storage: StateStorage) -> None:
    with pytest.raises(
        StorageError, match=r"^key must have at most 1,000 bytes of UTF-8, got 1,001: use a shorter"
    ) as raised:
        done(lambda: storage.write("x" * 1_001, b""))
    assert isinstance(raised.value.__cause__, InputError)


def test_the_event_loop_is_never_blocked(migrated: MigratedDatabase, user: str) -> None:
    storage = StateStorage(migrated.app, user)
    migrated.endpoint.add_fault("latency", sql="st_chat_", seconds=0.3, count=-1)

    async def run() -> None:
        for work in (storage.write("k", LARGE), storage.read("k"), storage.list(), storage.delete("k")):
            assert await turns_during(work) > 10

    asyncio.run(run())
    migrated.endpoint.clear_faults()


def test_an_agent_goes_on_in_another_process(storage: StateStorage, user: str) -> None:
    """Another object of each kind, which shares nothing but the database."""

    def agent() -> Agent:
        own = StateStorage(storage.api, user)
        return Agent(
            model=Scripted(),
            session_manager=SnapshotSessionManager("s", storage=own),
            agent_id="a",
            callback_handler=None,
        )

    answers = [str(agent()(f"question {number}")).strip() for number in range(3)]
    assert answers == ["1 messages", "3 messages", "5 messages"]
    assert done(storage.list) == ["session/s/scopes/agent/a/snapshots/snapshot_latest.json"]

    asyncio.run(SnapshotSessionManager("s", storage=StateStorage(storage.api, user)).delete_session())
    assert done(storage.list) == []
