"""What a memory costs to write, and what the indexes weigh."""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

from benchmarks.search.data import Dataset
from benchmarks.search.server import HNSW, MEMORY, Server, write
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from stchat.chat.vectors import to_text

ROWS, ROUNDS = 1_000, 3
NEW = 10**9  # chatids from here on are this module's
SIZES = f"""
SELECT pg_table_size('{MEMORY}') AS memories, pg_table_size('st_chat_memory_code') AS codes,
       pg_relation_size('st_chat_memory_code_near') AS search, pg_relation_size('st_chat_memory_code_pkey') AS keys,
       pg_total_relation_size('st_chat_memory_words') AS words"""


def sizes(server: Server, rows: int, *, alone: bool = False) -> dict[str, int]:
    """Bytes. `search` and `words` are what recall reads besides the memories that it compares exactly."""
    with server.superuser(f"ours_{rows}") as connection:
        [[memories, codes, search, keys, words]] = connection.execute(SIZES.encode()).fetchall()
    ours = {"memories": memories, "codes": codes, "search": search, "keys": keys, "words": words}
    if alone:
        return ours
    with server.superuser(f"source_{rows}") as connection:
        [[hnsw]] = connection.execute(f"SELECT pg_relation_size('{HNSW}')".encode()).fetchall()
        [[source]] = connection.execute(f"SELECT pg_table_size('{MEMORY}')".encode()).fetchall()
    return ours | {"hnsw": hnsw, "memories, source": source}


def writing(server: Server, rows: int, dataset: Dataset) -> dict[str, Any]:
    """Rows a second, medians of the rounds, each of its own new rows: of COPY, and of remember_many with vectors."""
    source = list(islice(dataset.written(), ROWS))
    memory = ChatMemory(
        replace(server.app, database=f"ours_{rows}"), CohereEmbedder()
    )  # never asked: each item brings its vector
    number = 0

    def new(index: int) -> list[bytes]:
        userid, theme, _, *rest = source[index]
        return [userid, theme, (NEW + number * ROWS + index).to_bytes(8, "big"), *rest]

    def copy(database: str) -> Callable[[], None]:
        def run() -> None:
            with server.superuser(database) as connection:
                write(connection, [new(index) for index in range(ROWS)])

        return run

    def item(index: int) -> dict[str, Any]:
        userid, theme, _, summary, *_ = new(index)
        return {
            "userid": userid.decode(), "theme": theme.decode(), "chatid": NEW + number * ROWS + index,
            "summary": summary.decode(), "metadata": {"turn": index}, "vector": vectors[index],
        }  # fmt: skip

    def remember() -> None:
        assert memory.remember_many([item(index) for index in range(ROWS)]).created == ROWS

    def function() -> None:
        """As remember_many calls it, without the Data API between."""
        with server.connect(f"ours_{rows}", "st_chat_app") as connection:
            for start in range(0, ROWS, 96):
                batch = json.dumps(
                    [item(index) | {"vector": texts[index]} for index in range(start, min(start + 96, ROWS))]
                )
                connection.execute("SELECT * FROM st_chat_remember(%s::jsonb)", [batch]).fetchall()

    vectors = dataset.vectors[:ROWS].tolist()
    texts = [to_text(vector) for vector in vectors]
    ways = {
        "COPY, no global HNSW index": copy(f"ours_{rows}"),
        "st_chat_remember, no global HNSW index": function,
        "remember_many, no global HNSW index": remember,
        "COPY, the original schema's table": copy(f"source_{rows}"),
    }
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, way in ways.items():
            number += 1
            began = time.monotonic()
            way()
            seconds[name].append(time.monotonic() - began)
    for database in (f"ours_{rows}", f"source_{rows}"):
        server.run(database, f"DELETE FROM {MEMORY} WHERE chatid >= {NEW}")
    return {name: round(ROWS / statistics.median(took)) for name, took in seconds.items()}
