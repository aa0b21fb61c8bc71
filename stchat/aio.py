"""The history and the memory for asyncio: each call runs in a thread, whatever the transport, and blocks no event loop.

    history = AsyncChatHistory(ChatHistory(api))
    await history.add(userid, theme, chatid, userinput, botresponse)

The methods are those of ChatHistory and ChatMemory, with their arguments, results and errors (docs/transports.md).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cache, partial, wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

from stchat.chat import ChatHistory, ChatMemory
from stchat.data_api import STOPPED

THREADS = (
    32  # of the process: as many calls at once; a thread that waits costs little, and the pool has fewer connections
)


class _Sync(Protocol):
    def with_timeout(self, seconds: float) -> Self: ...


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=_Sync)
M = TypeVar("M")


@cache
def _shared_threads() -> Executor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="stchat")


os.register_at_fork(after_in_child=_shared_threads.cache_clear)


@dataclass(frozen=True)
class _Async(Generic[S]):
    """`sync`: what is called. `threads`: where; by default 32 threads that all such objects of the process share, so
    that a cluster that is paused cannot take those of asyncio's own (`asyncio.to_thread`, DNS).

    A call that finds no free thread waits for one; its timeout begins then. A task that is cancelled gets its
    CancelledError at once: a call that waits for a thread never runs, one that has begun goes on to its end, without
    another retry. Every operation is idempotent, so it may be called again.
    """

    sync: S
    threads: Executor | None = None

    def with_timeout(self, seconds: float) -> Self:
        """The same, whose operations wait that long at most for what is paused or busy."""
        return replace(self, sync=self.sync.with_timeout(seconds))


async def in_thread(threads: Executor | None, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What `function` returns, in one of `threads`; None: those that the process shares."""
    context, stopped = copy_context(), threading.Event()
    context.run(STOPPED.set, stopped)
    work = partial(context.run, function, *args, **kwargs)
    try:
        return await asyncio.get_running_loop().run_in_executor(threads or _shared_threads(), work)
    finally:
        stopped.set()


def _awaited(method: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[_Async[Any], P], Coroutine[None, None, R]]:
    """`method`: of the class of `sync`, or of one that it extends."""

    @wraps(method)
    async def call(self: _Async[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await in_thread(self.threads, method, self.sync, *args, **kwargs)

    return call


class AsyncChatHistory(_Async[ChatHistory]):
    add = _awaited(ChatHistory.add)
    add_many = _awaited(ChatHistory.add_many)
    turns = _awaited(ChatHistory.turns)
    themes = _awaited(ChatHistory.themes)
    delete = _awaited(ChatHistory.delete)


class AsyncChatMemory(_Async[ChatMemory]):
    remember = _awaited(ChatMemory.remember)
    remember_many = _awaited(ChatMemory.remember_many)
    recall = _awaited(ChatMemory.recall)
    recall_vector = _awaited(ChatMemory.recall_vector)
    get = _awaited(ChatMemory.get)
    list = _awaited(ChatMemory.list)
    update = _awaited(ChatMemory.update)
    forget = _awaited(ChatMemory.forget)
    delete = _awaited(ChatMemory.delete)
