"""What words cost: bytes a memory, and rows a second."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import psycopg

from benchmarks.search.corpus import Corpus, application, row
from benchmarks.search.data import SEED
from benchmarks.search.measure import processor
from benchmarks.search.server import HNSW, Server, write
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from stchat.chat.vectors import to_text

BEFORE, OURS = "words_before", "words_ours"
LENGTH, WRITTEN, BATCH = 200, 480, 96
_BYTES = "SELECT pg_total_relation_size('st_chat_memory_words')::float8 / count(*) FROM st_chat_memory_words"


def sizes(server: Server, corpus: Corpus) -> dict[str, dict[str, float]]:
    """Bytes a memory of about 200 characters, as written in any order: of one user, and of many with 66 each."""
    result: dict[str, dict[str, float]] = {}
    for language in ("ja", "en"):
        chosen = [n for n, text in enumerate(corpus.texts)
                  if corpus.languages[n] == language and 0.9 * LENGTH <= len(text) <= 1.1 * LENGTH][:1_320]  # fmt: skip
        for kind, most in (("one user", len(chosen)), ("66 memories a user", 66)):
            owners = {number: f"user-{index // most:08d}" for index, number in enumerate(chosen)}
            with server.superuser(OURS) as connection:
                connection.execute(b"BEGIN")
                connection.execute(b"TRUNCATE st_chat_history_vector_table")
                order = np.random.default_rng(SEED).permutation(chosen).tolist()
                write(connection, (row(corpus, n, owners[n]) for n in order))
                [[size]] = connection.execute(_BYTES.encode()).fetchall()
                connection.execute(b"ROLLBACK")
            result[f"{language}, {kind}"] = {"bytes": round(size), "memories": len(chosen)}
    return result


def writing(server: Server, corpus: Corpus, rounds: int) -> dict[str, dict[str, float]]:
    """Rows a second of about 200 characters, half of each language, ours and those of before by turns, without and with
    the global HNSW index: by COPY and st_chat_remember of the server's processor, by remember_many of the clock."""
    by_language = [
        [n for n, text in enumerate(corpus.texts)
         if corpus.languages[n] == language and 0.8 * LENGTH <= len(text) <= 1.2 * LENGTH]
        for language in ("ja", "en")
    ]  # fmt: skip
    chosen = [n for pair in zip(*by_language, strict=False) for n in pair][:WRITTEN]
    vectors = [corpus.vectors[n].tolist() for n in chosen]
    seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    turn = 0
    for hnsw in ("", ", global HNSW index"):
        for database in (BEFORE, OURS):
            if hnsw:
                server.run(database, f"CREATE INDEX {HNSW} ON st_chat_history_vector_table USING hnsw"
                                     " (chat_vector vector_l2_ops)")  # fmt: skip
        for _ in range(rounds):
            for database in (BEFORE, OURS):
                turn += 1
                userid = f"writer {turn}"
                items = [{"userid": userid, "theme": "t", "chatid": n, "summary": corpus.texts[n], "vector": vector}
                         for n, vector in zip(chosen, vectors, strict=True)]  # fmt: skip
                with server.superuser(database) as connection:
                    rows = [row(corpus, n, f"{userid} copy") for n in chosen]
                    seconds[f"COPY{hnsw}"][database].append(_took(connection, partial(write, rows=rows)))
                with application(server, database) as connection:
                    run = partial(_remember, items=_texts(items, "function"))
                    seconds[f"st_chat_remember{hnsw}"][database].append(_took(connection, run))
                memory = ChatMemory(replace(server.app, database=database), CohereEmbedder())
                began = time.perf_counter()
                assert memory.remember_many(items).created == len(items)
                seconds[f"remember_many{hnsw}"][database].append(time.perf_counter() - began)
    return {
        way: {"before": round(WRITTEN / min(of[BEFORE])), "ours": round(WRITTEN / min(of[OURS])),
              "ratio": round(min(of[BEFORE]) / min(of[OURS]), 2)}
        for way, of in seconds.items()
    }  # fmt: skip


def _texts(items: list[dict[str, Any]], userid: str) -> list[dict[str, Any]]:
    return [item | {"userid": f"{item['userid']} {userid}", "vector": to_text(item["vector"])} for item in items]


def _remember(connection: psycopg.Connection, items: list[dict[str, Any]]) -> None:
    for start in range(0, len(items), BATCH):
        batch = json.dumps(items[start : start + BATCH])
        connection.execute("SELECT * FROM st_chat_remember(%s::jsonb)", [batch]).fetchall()


def _took(connection: psycopg.Connection, run: Callable[[psycopg.Connection], None]) -> float:
    clock = processor(connection.info.backend_pid)
    began = clock()
    run(connection)
    return clock() - began
