"""A checkpoint put, its writes, and read again, beside LangGraph's own saver: `python -m benchmarks.checkpoints`.

A state of 10 KB in four channels. All savers speak to one PostgreSQL on this machine, in turns, so no network is in the
numbers, and no TLS, which are most of a new connection's price in AWS. The local Data API is a program of this project:
what it takes is not what AWS's takes, so compare the number of calls as well.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, empty_checkpoint
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row

from stchat.langgraph import DataApiSaver
from tests.support.checkpoints import at
from tests.support.data_api_endpoint import running
from tests.support.faults import Watched, watched
from tests.support.migrated_database import DATABASE, MigratedDatabase, apply_migrations, direct_app

ROUNDS, CHANNELS, SIZE = 200, 4, 10_000
OPERATIONS = ("put", "put_writes", "get_tuple")

Opened = Callable[[], AbstractAsyncContextManager[BaseCheckpointSaver[Any]]]


class Statements:
    """A database that counts its statements."""

    def __init__(self, api: Any) -> None:
        self.api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self.api, name)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        Counted.statements += 1
        return self.api.execute(*args, **kwargs)


class Counted(AsyncCursor[DictRow]):
    """Counts statements; one for all rows of an executemany."""

    statements = 0

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        Counted.statements += 1
        return await super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        Counted.statements += 1
        return await super().executemany(*args, **kwargs)


async def connection(migrated: MigratedDatabase) -> AsyncConnection[DictRow]:
    """As `AsyncPostgresSaver.from_conn_string` makes its own."""
    with migrated.endpoint.psql(DATABASE) as superuser:
        name = superuser.info.dsn, superuser.info.password
    return await AsyncConnection[DictRow].connect(
        f"{name[0]} password={name[1]}",
        autocommit=True,
        prepare_threshold=0,
        row_factory=dict_row,
        cursor_factory=Counted,
    )


async def measure(migrated: MigratedDatabase) -> dict[str, tuple[dict[str, list[float]], dict[str, float]]]:
    """Milliseconds and calls, by saver and operation."""
    data_api, direct = Watched(migrated.app.client), direct_app(migrated)
    open_connection = await connection(migrated)
    await AsyncPostgresSaver(open_connection).setup()

    def ours(api: Any, user: str) -> Opened:
        @asynccontextmanager
        async def opened() -> AsyncIterator[BaseCheckpointSaver[Any]]:
            yield DataApiSaver(api, user)

        return opened

    @asynccontextmanager
    async def theirs() -> AsyncIterator[BaseCheckpointSaver[Any]]:
        yield AsyncPostgresSaver(open_connection)

    @asynccontextmanager
    async def theirs_per_call() -> AsyncIterator[BaseCheckpointSaver[Any]]:
        own = await connection(migrated)
        try:
            yield AsyncPostgresSaver(own)
        finally:
            await own.close()

    savers: dict[str, Opened] = {
        "DataApiSaver, Data API": ours(watched(migrated.app, data_api), "a"),
        "DataApiSaver, pool": ours(Statements(direct), "b"),
        "AsyncPostgresSaver, open connection": theirs,
        "AsyncPostgresSaver, connects per call": theirs_per_call,
    }
    times: dict[str, dict[str, list[float]]] = {name: {one: [] for one in OPERATIONS} for name in savers}
    calls: dict[str, dict[str, float]] = {name: dict.fromkeys(OPERATIONS, 0.0) for name in savers}
    for number in range(-5, ROUNDS):
        for name, opened in savers.items():
            for operation, work in steps(number).items():
                before = len(data_api.calls) + Counted.statements
                started = time.perf_counter()
                async with opened() as saver:
                    await work(saver)
                if number >= 0:
                    times[name][operation].append((time.perf_counter() - started) * 1000)
                    calls[name][operation] += (len(data_api.calls) + Counted.statements - before) / ROUNDS
    await open_connection.close()
    direct.close()
    return {name: (times[name], calls[name]) for name in savers}


def steps(number: int) -> dict[str, Callable[[BaseCheckpointSaver[Any]], Any]]:
    """Each round a thread of its own, with one checkpoint before it."""
    state = empty_checkpoint()
    state["channel_values"] = {f"c{n}": os.urandom(SIZE // CHANNELS) for n in range(CHANNELS)}
    versions: ChannelVersions = dict.fromkeys(state["channel_values"], f"{number:032d}.1")
    state["channel_versions"] = versions
    thread = at(f"{number}")
    here: Any = {"configurable": {**thread["configurable"], "checkpoint_id": state["id"]}}
    return {
        "put": lambda saver: saver.aput(thread, state, {"step": number}, versions),
        "put_writes": lambda saver: saver.aput_writes(here, [("c0", "x" * 1_000), ("c1", 1)], "task"),
        "get_tuple": lambda saver: saver.aget_tuple(thread),
    }


def main() -> None:
    load = os.getloadavg()[0]  # of other programs
    directory = Path(tempfile.mkdtemp(prefix="checkpoints-"))
    directory.chmod(0o755)
    with running(directory / "local") as endpoint:
        migrated = apply_migrations(endpoint)
        results = asyncio.run(measure(migrated))
    print(f"{os.cpu_count()} cores, load {load:.1f} before; {ROUNDS} rounds; ms, p50 / p95, and calls or statements")
    for name, (times, calls) in results.items():
        cells = (
            f"{statistics.median(times[one]):.1f} / {statistics.quantiles(times[one], n=20)[-1]:.1f} ({calls[one]:g})"
            for one in OPERATIONS
        )
        print(f"| {name} | {' | '.join(cells)} |")
    print("times that of AsyncPostgresSaver on an open connection, p50")
    open_connection = results["AsyncPostgresSaver, open connection"][0]
    for name, (times, _) in results.items():
        ratios = (
            f"{statistics.median(times[one]) / statistics.median(open_connection[one]):.1f}" for one in OPERATIONS
        )
        print(f"| {name} | {' | '.join(ratios)} |")


if __name__ == "__main__":
    main()
