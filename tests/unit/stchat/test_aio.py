"""The async API without a server: its methods are the sync ones, the event loop goes on, cancellation ends retries."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from stchat.aio import THREADS, AsyncChatHistory, AsyncChatMemory, _shared_threads
from stchat.chat import ChatHistory, ChatMemory
from stchat.data_api import Backoff, Result, Statements, retry_call
from stchat.errors import InputError, UnavailableError


@dataclass(frozen=True)
class Waiting:
    """A database whose calls block their thread: `attempt` is what they run, until `timeout`."""

    attempt: Callable[[], None]
    timeout: float = 30
    database: str = "d"
    calls: list[float] = field(default_factory=list)

    def with_timeout(self, seconds: float) -> Waiting:
        return replace(self, timeout=seconds)

    def with_database(self, database: str) -> Waiting:
        return replace(self, database=database)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, *, idempotent: bool = False) -> Result:  # noqa: ARG002
        def once() -> Result:
            self.calls.append(self.timeout)
            self.attempt()
            return Result([{"deleted": 1}], 0)

        return retry_call(once, Backoff(self.timeout), idempotent=idempotent)

    def transaction(self) -> AbstractContextManager[Statements]:
        raise NotImplementedError


def paused() -> None:
    raise UnavailableError("paused")


@pytest.mark.parametrize(("made", "of"), [(AsyncChatHistory, ChatHistory), (AsyncChatMemory, ChatMemory)])
def test_every_method_is_there_with_its_signature(made: type, of: type) -> None:
    def methods(cls: type) -> dict[str, Any]:
        found = inspect.getmembers(cls, inspect.isfunction)
        return {name: function for name, function in found if name != "with_timeout" and not name.startswith("_")}

    assert methods(made).keys() == methods(of).keys()
    for name, function in methods(made).items():
        assert inspect.iscoroutinefunction(function)
        assert inspect.signature(function) == inspect.signature(methods(of)[name])
        assert function.__doc__ == methods(of)[name].__doc__


def test_the_event_loop_goes_on_while_32_calls_run() -> None:
    database = Waiting(lambda: time.sleep(1))
    history = AsyncChatHistory(ChatHistory(database))

    async def run() -> tuple[float, list[int]]:
        calls = asyncio.gather(*(history.delete(f"u{number}") for number in range(THREADS)))
        longest, last = 0.0, time.perf_counter()
        while not calls.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        return longest, await calls

    started = time.perf_counter()
    longest, results = asyncio.run(run())
    assert results == [1] * 32
    assert time.perf_counter() - started < 10  # one after the other: 32 s
    assert longest < 0.9


def test_errors_and_timeouts_are_the_sync_ones() -> None:
    history = AsyncChatHistory(ChatHistory(Waiting(paused)))
    with pytest.raises(InputError, match=r"^limit must be an integer from 1 to 1000, got 0"):
        asyncio.run(history.turns("u", limit=0))
    started = time.perf_counter()
    with pytest.raises(UnavailableError, match=r"^paused$"):
        asyncio.run(history.with_timeout(0.2).delete("u"))
    assert time.perf_counter() - started < 5


def test_a_cancelled_call_is_not_retried_and_one_that_waits_never_runs() -> None:
    database = Waiting(paused)
    with ThreadPoolExecutor(1) as threads:
        history = AsyncChatHistory(ChatHistory(database), threads)

        async def run() -> float:
            first = asyncio.create_task(history.delete("u"))
            second = asyncio.create_task(history.with_timeout(29).delete("u"))
            await asyncio.sleep(0.3)
            cancelled = time.perf_counter()
            first.cancel()
            second.cancel()
            assert [type(one) for one in await asyncio.gather(first, second, return_exceptions=True)] == [
                asyncio.CancelledError
            ] * 2
            return cancelled

        cancelled = asyncio.run(run())
        attempts = len(database.calls)
        threads.submit(int).result(10)  # the thread is free
    assert time.perf_counter() - cancelled < 5
    assert attempts >= 1
    assert len(database.calls) <= attempts + 1  # the one that the pause before it had begun
    assert set(database.calls) == {30}


def test_a_process_that_forks_has_threads_of_its_own() -> None:
    """The parent's do not exist in it, so that it would wait for ever."""
    history = AsyncChatHistory(ChatHistory(Waiting(lambda: None)))
    assert asyncio.run(history.delete("u")) == 1
    before = _shared_threads()
    if (child := os.fork()) == 0:
        done = _shared_threads() is not before and asyncio.run(history.delete("u")) == 1
        os._exit(0 if done else 1)
    deadline = threading.Timer(10, os.kill, (child, 9))
    deadline.start()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    deadline.cancel()
