"""The Data API, a pool of direct connections, and a connection per call, in one run: `python -m benchmarks.transports`.

All three speak to one PostgreSQL on this machine, so no network is in the numbers, and no TLS. The local Data API is
a program of this project, so what it takes is not what AWS's takes: read the ratio between the pool and the connection
per call as PostgreSQL's own, and the Data API's as the local one's.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from stchat.chat import ChatHistory, ChatMemory, CohereEmbedder
from stchat.data_api import Database
from tests.support.data_api_endpoint import running
from tests.support.migrated_database import apply_migrations, direct_app
from tests.support.vectors import axis

CALLS, CALLERS, SECONDS = 150, 32, 3.0


class PerCall:
    """A pool that keeps nothing: each call makes a connection, and closes it."""

    def __init__(self, api: object) -> None:
        self.api = api

    def __getattr__(self, name: str) -> object:
        return getattr(self.api, name)

    def with_timeout(self, seconds: float) -> PerCall:  # noqa: ARG002
        return self

    def execute(self, *arguments: object, **more: object) -> object:
        try:
            return self.api.execute(*arguments, **more)  # type: ignore[attr-defined]
        finally:
            self.api.close()  # type: ignore[attr-defined]


def measure(api: Database) -> dict[str, tuple[float, float]]:
    """ms of p50 and p95 by operation."""
    user = uuid.uuid4().hex
    history, memory = ChatHistory(api), ChatMemory(api, CohereEmbedder())

    def remember_many(number: int) -> None:
        memory.remember_many(
            {"userid": user, "theme": f"{number}", "chatid": n, "summary": f"{n}", "vector": axis(n + 1, number)}
            for n in range(96)
        )

    operations: dict[str, tuple[int, Callable[[int], object]]] = {
        "add": (CALLS, lambda number: history.add(user, "t", number, "a question", "an answer " * 30)),
        "remember_many(96)": (10, remember_many),
        "recall": (CALLS, lambda number: memory.recall_vector(user, axis(1 + number % 96))),
    }
    found = {}
    for name, (count, operation) in operations.items():
        operation(-1 if name != "add" else 10**6)
        times = []
        for number in range(count):
            started = time.perf_counter()
            operation(number)
            times.append((time.perf_counter() - started) * 1000)
        cuts = statistics.quantiles(times, n=20)
        found[name] = (statistics.median(times), cuts[-1])
    return found


def throughput(api: Database) -> float:
    """Turns added per second by CALLERS threads."""
    history, user = ChatHistory(api), uuid.uuid4().hex
    ends = time.monotonic() + SECONDS

    def work(caller: int) -> int:
        number = 0
        while time.monotonic() < ends:
            history.add(user, f"{caller}", number, "a question", "an answer")
            number += 1
        return number

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(work, range(CALLERS))) / SECONDS


def main() -> None:
    load = os.getloadavg()[0]  # of other programs
    directory = Path(tempfile.mkdtemp(prefix="transports-"))
    directory.chmod(0o755)
    with running(directory / "local") as endpoint:
        migrated = apply_migrations(endpoint)
        pooled = replace(direct_app(migrated), pool_size=10)
        single: Database = PerCall(direct_app(migrated))  # type: ignore[assignment]
        transports: dict[str, Database] = {"Data API": migrated.app, "pool": pooled, "connection per call": single}
        results = {name: measure(api) for name, api in transports.items()}
        rates = {name: throughput(api) for name, api in transports.items()}
    print(f"{os.cpu_count()} cores, load {load:.1f} before; ms, p50 / p95")
    for name, found in results.items():
        cells = " | ".join(f"{p50:.1f} / {p95:.1f}" for p50, p95 in found.values())
        print(f"| {name} | {cells} | {rates[name]:.0f} |")
    print("times the pool's, p50 / p95; calls a second, times the Data API's")
    pool = results["pool"]
    for name, found in results.items():
        ratios = (f"{p50 / pool[one][0]:.1f} / {p95 / pool[one][1]:.1f}" for one, (p50, p95) in found.items())
        print(f"| {name} | {' | '.join(ratios)} | {rates[name] / rates['Data API']:.1f} |")


if __name__ == "__main__":
    main()
