"""The memories that the benchmark searches: always the same ones, without a download.

Users as people are: a few with thousands of memories, most with a handful (Zipf), who speak of 300 topics that they
share, each of about one for 25 memories. A vector is a part that all texts have, as in real embeddings, its topic's and
noise: two memories of one topic have a cosine of about 0.75, of two topics 0.4. Users of the group `narrow` speak of 20
topics alone: many of their memories are almost equally near, which is hard for every approximation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 20_240_601
DIMENSIONS = 1024
TOPICS, FEW_TOPICS, MEMORIES_OF_A_TOPIC = 300, 20, 25
THEMES = 8
LARGEST = 8_000
FEW = (50, 5)  # memories of most users
USERS_IN_100_000 = 761
NARROW_SIZES = {10_000: (600,), 100_000: (4_000, 4_000, 700, 700)}
GROUPS = {"small": (5, 50), "medium": (350, 700), "large": (3_000, 8_000)}
K = 10
SENTENCES, VOCABULARY = 4_096, 3_000

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class User:
    name: str
    group: str | None
    rows: NDArray[np.int64]
    """Which rows of the table are the user's; a row's primary key is its number + 1."""
    topics: NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """`nearest`: the primary keys of the true answer, nearest first; `reach`: the cosine of the last of them."""

    userid: str
    theme: str | None
    vector: Vectors
    nearest: tuple[int, ...]
    similar: dict[int, float]


class Dataset:
    """`rows` memories in the order in which they were written, in `directory`, since a million of them are 4 GB."""

    def __init__(self, rows: int, directory: Path) -> None:
        self.rows = rows
        chance = np.random.default_rng(SEED)
        self._shared = _unit(chance.standard_normal(DIMENSIONS))
        self._topics = _unit(chance.standard_normal((TOPICS, DIMENSIONS)))
        sizes = _sizes(rows)
        order = chance.permutation(sum(size for size, _ in sizes))
        self.themes = chance.integers(THEMES, size=len(order))
        ends = np.cumsum([size for size, _ in sizes])
        self.users = [
            User(f"user-{number:06}", _group(size, narrow), np.sort(order[end - size : end]),
                 chance.choice(TOPICS, _breadth(size, narrow), replace=False))
            for number, ((size, narrow), end) in enumerate(zip(sizes, ends, strict=True))
        ]  # fmt: skip
        self.vectors: Vectors = np.memmap(
            directory / f"vectors-{rows}", dtype=np.float32, mode="w+", shape=(len(order), DIMENSIONS)
        )
        for user in self.users:
            self.vectors[user.rows] = self._speak(user, len(user.rows), chance)

    def _speak(self, user: User, count: int, chance: np.random.Generator) -> Vectors:
        noise = _unit(chance.standard_normal((count, DIMENSIONS), dtype=np.float32))
        return _unit(self._shared + self._topics[chance.choice(user.topics, count)] + 0.8 * noise).astype(np.float32)

    @cached_property
    def owners(self) -> list[str]:
        """The user of each row."""
        owners = np.empty(len(self.vectors), dtype=object)
        for user in self.users:
            owners[user.rows] = user.name
        return list(owners)

    def written(self) -> Iterator[list[bytes]]:
        """The table's rows, without the primary key, as COPY's binary format has their columns."""
        vectors = self.vectors.astype(">f4")
        head = DIMENSIONS.to_bytes(2, "big") + b"\0\0"
        for row, owner in enumerate(self.owners):
            yield [
                owner.encode(), f"theme {self.themes[row]}".encode(), row.to_bytes(8, "big"), summary(row).encode(),
                b"\1" + json.dumps({"turn": row}).encode(), head + vectors[row].tobytes(),
            ]  # fmt: skip

    def questions(self, group: str, count: int, *, themed: bool, seed: int = 0) -> list[Question]:
        """Of users of that group by turns, about what they have spoken of."""
        chance = np.random.default_rng((SEED, self.rows, seed, sorted([*GROUPS, "narrow"]).index(group), themed))
        users = [user for user in self.users if user.group == group]
        order = chance.permutation(len(users))
        return [self._question(users[order[n % len(users)]], chance, themed=themed) for n in range(count)]

    def _question(self, user: User, chance: np.random.Generator, *, themed: bool) -> Question:
        vector = self._speak(user, 1, chance)[0]
        theme = int(self.themes[chance.choice(user.rows)]) if themed else None
        rows = user.rows if theme is None else user.rows[self.themes[user.rows] == theme]
        cosines = self.vectors[rows].astype(np.float64) @ vector.astype(np.float64)
        nearest = np.argsort(-cosines, kind="stable")[:K]
        return Question(
            userid=user.name,
            theme=None if theme is None else f"theme {theme}",
            vector=vector,
            nearest=tuple(int(rows[n]) + 1 for n in nearest),
            similar={int(row) + 1: float(cosine) for row, cosine in zip(rows, cosines, strict=True)},
        )


def summary(row: int) -> str:
    """Of a memory: some 230 characters."""
    return f"memory {row}: {_sentences()[row % SENTENCES]}"


@cache
def _sentences() -> list[str]:
    """Of 30 made-up words each, some of them much more frequent than others."""
    chance = np.random.default_rng(SEED)
    letters = ["".join(syllables) for syllables in chance.choice([*"bdfgklmnprstvz"], (VOCABULARY, 3))]
    words = [f"{three[0]}a{three[1]}o{three[2]}e" for three in letters]
    picked = (VOCABULARY * chance.random((SENTENCES, 30)) ** 3).astype(int)
    return [" ".join(words[place] for place in sentence) for sentence in picked]


def recall(question: Question, found: list[int]) -> float:
    """The share of the true nearest that was found; one exactly as near as the last of them is as good."""
    last = question.similar[question.nearest[-1]] - 1e-6
    return sum(question.similar.get(key, -2) >= last for key in set(found)) / len(question.nearest)


def _sizes(rows: int) -> list[tuple[int, bool]]:
    """Each user's number of memories, and whether it is a narrow one's. More rows are more people."""
    narrow = [size for size in NARROW_SIZES[min(rows, 100_000)] for _ in range(max(1, rows // 100_000))]
    step = 100_000 / rows
    users = round(USERS_IN_100_000 / step)
    few = np.linspace(*FEW, round(users * 0.6)).astype(int)
    ranks = max(1.0, step / 5) + step * np.arange(users - len(few))
    low, high = 0.3, 3.0
    for _ in range(50):  # the steepness that gives this many rows
        steepness = (low + high) / 2
        many = (LARGEST / ranks**steepness).astype(int)
        low, high = (steepness, high) if many.sum() > rows - few.sum() - sum(narrow) else (low, steepness)
    sizes = [*many, *few]
    return [(int(size), False) for size in sizes] + [(size, True) for size in narrow]


def _breadth(size: int, narrow: bool) -> int:
    return FEW_TOPICS if narrow else min(TOPICS, max(1, size // MEMORIES_OF_A_TOPIC))


def _group(size: int, narrow: bool) -> str | None:
    if narrow:
        return "narrow"
    return next((name for name, (least, most) in GROUPS.items() if least <= size <= most), None)


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    lengths: NDArray[Any] = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[Any] = vectors / lengths
    return unit
