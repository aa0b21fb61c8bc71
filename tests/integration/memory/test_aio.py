"""The async API over both transports: 32 calls at once, one event loop, nothing lost when a task is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from stchat.aio import THREADS, AsyncChatHistory, AsyncChatMemory
from stchat.chat import ChatHistory, ChatMemory
from stchat.errors import ConflictError
from tests.support.data_api_endpoint import until
from tests.support.killed_server import WAITING
from tests.support.migrated_database import DATABASE, MigratedDatabase
from tests.support.vectors import axis


async def steps(until: asyncio.Future[list[bool]]) -> int:
    """How often the event loop comes to something else meanwhile: to nothing, if the calls block it."""
    count = 0
    while not until.done():
        await asyncio.sleep(0.001)
        count += 1
    return count


def test_32_calls_at_once(history: ChatHistory, memory: ChatMemory, user: str) -> None:
    turns, memories = AsyncChatHistory(history), AsyncChatMemory(memory)

    async def run() -> None:
        await turns.add(user, "t", 0, "a", "b")
        calls = asyncio.gather(*(turns.add(user, "t", 1 + number, "a", "b") for number in range(THREADS)))
        assert await steps(calls) > 3
        assert await calls == [True] * THREADS
        assert not await turns.add(user, "t", 0, "a", "b")
        assert await turns.themes(user) == history.themes(user)
        with pytest.raises(ConflictError):
            await turns.add(user, "t", 0, "another", "b")
        done = await memories.remember_many(
            {"userid": user, "theme": "t", "chatid": number, "summary": f"s {number}", "vector": axis(1 + number)}
            for number in range(3)
        )
        assert done.created == 3
        [nearest] = await memories.with_timeout(10).recall_vector(user, axis(2), k=1)
        assert nearest.summary == "s 1"
        assert (await turns.delete(user), await memories.delete(user)) == (THREADS + 1, 3)

    asyncio.run(run())


def test_a_task_that_is_cancelled_in_the_middle(migrated: MigratedDatabase, history: ChatHistory, user: str) -> None:
    turns = AsyncChatHistory(history)

    async def run() -> None:
        with migrated.endpoint.psql(DATABASE) as blocker, migrated.endpoint.psql() as watch:
            blocker.execute("BEGIN")
            blocker.execute("LOCK TABLE st_chat_history_table IN ACCESS EXCLUSIVE MODE")
            task = asyncio.create_task(turns.add(user, "t", 1, "a", "b"))
            await asyncio.to_thread(until, lambda: watch.execute(WAITING).fetchone() != (0,), "the call waits")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 1)
            blocker.execute("ROLLBACK")
        await turns.add(user, "t", 1, "a", "b")  # whether the first has run or not
        assert [turn.chatid for turn in await turns.turns(user)] == [1]

    asyncio.run(run())
