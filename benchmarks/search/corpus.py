"""Real texts with their vectors, for what words find and cost; and a session that asks as the application."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

from benchmarks.search.candidates import APP, teach
from benchmarks.search.data import DIMENSIONS, SEED, Vectors
from benchmarks.search.measure import Clock, processor
from benchmarks.search.server import Server

MEMORIES, THEMES = 8_000, 8


@dataclass(frozen=True)
class Corpus:
    """`evidence`: of each question, the index of the memory that answers it."""

    texts: list[str]
    languages: list[str]
    vectors: Vectors
    questions: list[str]
    evidence: list[int]
    question_vectors: Vectors


def corpora(folder: Path) -> tuple[Corpus, Corpus]:
    """The real one, of 8,000 memories; and the same memories with 200 more that hold an exact term each."""
    given, exact = (json.loads((folder / name).read_text()) for name in ("texts.json", "exact.json"))
    memories, questions = np.load(folder / "m384.npy"), np.load(folder / "q384.npy")
    with np.load(folder / "exact.npz") as file:
        exact_memories, exact_questions = file["m"], file["q"]
    asked = [question["evidence"] for question in given["qs"]]
    others = [n for n in np.random.default_rng(SEED).permutation(len(memories)).tolist() if n not in set(asked)]
    kept = sorted({*asked, *others[: MEMORIES - len(set(asked))]})
    place = {number: index for index, number in enumerate(kept)}
    texts, languages = ([given["mem"][n][what] for n in kept] for what in ("text", "lang"))
    real = Corpus(texts, languages, _rotated(memories[kept]), [one["q"] for one in given["qs"]],
                  [place[n] for n in asked], _rotated(questions))  # fmt: skip
    first = MEMORIES - len(exact)
    return real, Corpus(
        texts[:first] + [one["memory"] for one in exact], languages[:first] + [one["lang"] for one in exact],
        np.vstack([real.vectors[:first], _rotated(exact_memories)]), [one["question"] for one in exact],
        list(range(first, MEMORIES)), _rotated(exact_questions),
    )  # fmt: skip


def _rotated(vectors: Vectors) -> Vectors:
    matrix, _ = np.linalg.qr(np.random.default_rng(SEED).standard_normal((DIMENSIONS, DIMENSIONS)))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    turned: Vectors = (np.pad(unit, ((0, 0), (0, DIMENSIONS - unit.shape[1]))) @ matrix).astype(np.float32)
    return turned


def row(corpus: Corpus, number: int, userid: str) -> list[bytes]:
    vector = DIMENSIONS.to_bytes(2, "big") + b"\0\0" + corpus.vectors[number].astype(">f4").tobytes()
    theme, text = b"theme-%07d" % (number % THEMES), corpus.texts[number].encode()
    return [userid.encode(), theme, number.to_bytes(8, "big"), text, b"\1{}", vector]


def application(server: Server, database: str) -> psycopg.Connection:
    connection = server.connect(database, APP)
    connection.prepare_threshold = None
    teach(connection)
    return connection


@contextmanager
def sessions(server: Server, databases: Mapping[str, str]) -> Iterator[dict[str, tuple[psycopg.Connection, Clock]]]:
    """Of each name, the application's session in its database, and the clock of the session's process."""
    with ExitStack() as stack:
        opened = {name: stack.enter_context(application(server, database)) for name, database in databases.items()}
        yield {name: (one, processor(one.info.backend_pid)) for name, one in opened.items()}
