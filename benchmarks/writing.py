"""`remember_many` against COPY of the same rows into the same table: `python -m benchmarks.writing`.

Both end in st_chat_history_vector_table with its index and triggers; `remember_many` goes through the Data API, COPY
through an open connection of a superuser. The rows bring their own vectors: the model's time is not in it.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stchat.chat.memory import ChatMemory
from stchat.chat.vectors import DIMENSIONS, Vector, normalised, to_text
from stchat.environment import EMBEDDING_MODEL
from tests.support.data_api_endpoint import Endpoint, client, start_endpoint
from tests.support.migrated_database import DATABASE, MigratedDatabase, apply_migrations

TABLE = "st_chat_history_vector_table"
USERS = 50
COPY = f"COPY {TABLE} (userid, theme, chatid, chat_summary, chat_vector) FROM STDIN"
TRUNCATE = f"TRUNCATE {TABLE}"


@dataclass(frozen=True)
class Writing:
    """Rows a second, medians; `encoding`: seconds to check a vector, bring it to length 1 and write its text."""

    rows: int
    remember_many: float
    copy: float
    encoding: float

    @property
    def ratio(self) -> float:
        """Of COPY's rate."""
        return self.remember_many / self.copy


def compare(migrated: MigratedDatabase, *, rows: int, runs: int, index: bool = True) -> Writing:
    """By turns, into the table emptied; without `index` the HNSW index is dropped for good."""
    items = [_item(number) for number in range(rows)]
    memory = ChatMemory(migrated.app, NoModel())
    with migrated.endpoint.psql(DATABASE) as superuser:
        if not index:
            superuser.execute(f"DROP INDEX {TABLE}_chat_vector_idx")

        def copy() -> None:
            with superuser.cursor() as cursor, cursor.copy(COPY) as writer:
                for item in items:
                    vector = to_text(normalised(item["vector"]))
                    writer.write_row((item["userid"], item["theme"], item["chatid"], item["summary"], vector))

        def remember() -> None:
            assert memory.remember_many(items).created == rows

        times: dict[Callable[[], None], list[float]] = {remember: [], copy: []}
        for _ in range(runs):
            for write, found in times.items():
                superuser.execute(TRUNCATE)
                started = time.perf_counter()
                write()
                found.append(time.perf_counter() - started)
        superuser.execute(TRUNCATE)
    encoding = _median(lambda: to_text(normalised(items[0]["vector"])), 200)
    return Writing(rows, rows / statistics.median(times[remember]), rows / statistics.median(times[copy]), encoding)


class NoModel:
    """Every item has its vector."""

    model = EMBEDDING_MODEL
    dimensions = DIMENSIONS

    def documents(self, texts: Sequence[str]) -> Any:
        raise AssertionError(f"{len(texts)} items came without a vector")

    def query(self, text: str) -> Vector:
        raise AssertionError(f"{len(text)} characters came without a vector")

    def with_timeout(self, _: float) -> NoModel:
        return self


def _item(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    return {
        "userid": f"user {number % USERS}",
        "theme": f"theme {number % 7}",
        "chatid": number,
        "summary": f"The user wrote something that is worth remembering, number {number}",
        "vector": [chance.gauss(0, 1) for _ in range(DIMENSIONS)],
    }


def _median(call: Callable[[], object], calls: int) -> float:
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-index", action="store_true", help="without the HNSW index, which takes the most time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="writing-benchmark-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        process, url = start_endpoint(directory)
        try:
            migrated = apply_migrations(Endpoint(url=url, directory=directory, pid=process.pid, client=client(url)))
            found = compare(migrated, rows=arguments.rows, runs=arguments.runs, index=not arguments.no_index)
        finally:
            process.terminate()
            process.wait()
    print(f"{found.rows} rows: remember_many {found.remember_many:.0f} rows/s, COPY {found.copy:.0f} rows/s")
    print(f"ratio {found.ratio:.2f}; a vector's text takes {found.encoding * 1e6:.0f} us")


if __name__ == "__main__":
    main()
