"""The async API by threads against psycopg's own, in one run: `python -m benchmarks.asynchronous`.

Both have a pool of 10 connections to one PostgreSQL on this machine, and 32 tasks of one event loop that add turns.
psycopg's does what a rewrite of the client would have to do at least: no retries, no renewed sessions, no idle pool.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psycopg

from stchat.aio import AsyncChatHistory
from stchat.chat import ChatHistory
from tests.support.data_api_endpoint import running
from tests.support.migrated_database import DATABASE, apply_migrations, direct_app

CALLERS, CONNECTIONS, SECONDS, ROUNDS = 32, 10, 3.0, 3
Add = Callable[[str, str, int], Awaitable[object]]


async def measure(add: Add) -> tuple[float, float]:
    """Calls a second, and the longest time that the event loop did nothing else, in ms."""
    user, ends = uuid.uuid4().hex, time.monotonic() + SECONDS

    async def work(caller: int) -> int:
        number = 0
        while time.monotonic() < ends:
            await add(user, f"{caller}", number)
            number += 1
        return number

    calls = asyncio.gather(*(work(caller) for caller in range(CALLERS)))
    longest, last = 0.0, time.perf_counter()
    while not calls.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    return sum(await calls) / SECONDS, longest * 1000


async def threads(history: AsyncChatHistory) -> tuple[float, float]:
    async def add(user: str, theme: str, number: int) -> object:
        return await history.add(user, theme, number, "a question", "an answer")

    return await measure(add)


async def native(port: int) -> tuple[float, float]:
    idle: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        conninfo = f"host=127.0.0.1 port={port} dbname={DATABASE} user=st_chat_app password='of st_chat_app'"
        idle.put_nowait(await psycopg.AsyncConnection.connect(conninfo, autocommit=True, prepare_threshold=None))

    async def add(user: str, theme: str, number: int) -> object:
        connection = await idle.get()
        try:
            cursor = await connection.execute(
                "SELECT st_chat_add_turn(%s, %s, %s, %s::text, %s::text)",
                [user, theme, number, "a question", "an answer"],
            )
            return await cursor.fetchone()
        finally:
            idle.put_nowait(connection)

    found = await measure(add)
    for _ in range(CONNECTIONS):
        await (await idle.get()).close()
    return found


def main() -> None:
    directory = Path(tempfile.mkdtemp(prefix="asynchronous-"))
    directory.chmod(0o755)
    with running(directory / "local") as endpoint:
        migrated = apply_migrations(endpoint)
        history = AsyncChatHistory(ChatHistory(replace(direct_app(migrated), pool_size=CONNECTIONS)))
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        for _ in range(ROUNDS):
            for name, run in (("threads", threads(history)), ("psycopg's own", native(endpoint.cluster["port"]))):
                rate, longest = asyncio.run(run)
                print(f"{name}: {rate:.0f} calls a second, longest stall of the event loop {longest:.0f} ms")


if __name__ == "__main__":
    main()
