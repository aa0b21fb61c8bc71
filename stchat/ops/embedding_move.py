"""Memories to another embedding model, while they are read and written (docs/decisions/0440).

Each step is one call of the Data API and may be called again at any point: a move that was stopped goes on where it
was. Texts are embedded between the calls, so that no transaction waits for the model.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stchat.chat import BATCH_ITEMS, Embedder, to_text
from stchat.data_api import DataApi, Row, joined, query
from stchat.environment import EMBEDDING_MODEL
from stchat.errors import StchatError
from stchat.schema import memory_codes

log = logging.getLogger(__name__)

WINDOW = 4_000  # keys that one call looks through for memories without a vector
SWAPPED, MOST_SWAPPED = 20, 500  # rows that a call writes anew, at first, and while it is fast
FAST_SECONDS, SLOW_SECONDS = 0.4, 1.0
WALKS = 10
BUSY_SECONDS = 1.0

_COUNTS = "SELECT model, second, memories, learned FROM st_chat_embedding_models()"
_SAMPLE = "SELECT sampled, characters, wide FROM st_chat_embedding_sample(:characters::int)"
_BEGIN = "SELECT st_chat_embedding_begin(st_chat_model(:model)) AS coding"
_NEXT = """
SELECT after, primarykey, part, digest, chat_summary
FROM st_chat_embedding_next(st_chat_model(:model), :start::bigint, :rows::int, :most::int, :characters::int)"""
_PUT = "SELECT st_chat_embedding_put(st_chat_model(:model), :items::jsonb) AS stored"
_LEARN = "SELECT st_chat_memory_learn(st_chat_model(:model), true) AS coding"
_RECODE = "SELECT after, done FROM st_chat_embedding_recode(st_chat_model(:model), :start::bigint, :rows::int)"
_RETIRE = "SELECT st_chat_embedding_retire(st_chat_model(:model), :all::boolean) AS left_over"
_ADOPT = "SELECT st_chat_embedding_adopt(st_chat_model(:model)) AS coding"
_SWAP = "SELECT after, done FROM st_chat_embedding_swap(st_chat_model(:model), :start::bigint, :rows::int)"
_DROP = "SELECT st_chat_embedding_drop(:rows::int) AS dropped"

Report = Callable[[int, int], None]  # how many of how many


@dataclass(frozen=True)
class Models:
    """How many memories there are by the model of their row, and by that of their `second` vector. `learned`: the
    models of second vectors whose codes are learned."""

    rows: dict[str, int]
    second: dict[str, int]
    learned: frozenset[str] = frozenset()

    @property
    def left(self) -> str | None:
        """The model that memories move away from: that of most rows besides those that move."""
        rows = {name: count for name, count in self.rows.items() if not self.second.get(name)}
        return max(rows, key=lambda name: rows[name], default=None)

    @property
    def memories(self) -> int:
        return sum(self.rows.values())

    def missing(self, model: str) -> int:
        """Memories without a vector of the model."""
        return max(0, self.memories - self.rows.get(model, 0) - self.second.get(model, 0))


@dataclass(frozen=True)
class Size:
    """About how many `tokens` the model reads of `memories`, by the average of `sampled` ones."""

    memories: int
    tokens: int
    sampled: int


def models(api: DataApi) -> Models:
    rows: dict[str, int] = {}
    second: dict[str, int] = {}
    learned = set()
    for row in api.execute(_COUNTS, idempotent=True).rows:
        name = row["model"] or EMBEDDING_MODEL
        (second if row["second"] else rows)[name] = row["memories"]
        if row["second"] and row["learned"]:
            learned.add(name)
    return Models(rows, second, frozenset(learned))


def size(api: DataApi, model: str, characters: int) -> Size:
    """Of what is missing. A token is taken as four characters of ASCII, or one of any other."""
    [row] = api.execute(_SAMPLE, {"characters": characters}, idempotent=True).rows
    wide = row["wide"] or 0.0
    of_one = wide + ((row["characters"] or 0.0) - wide) / 4
    missing = models(api).missing(model)
    return Size(missing, round(missing * of_one), row["sampled"])


def move(api: DataApi, embedder: Embedder, characters: int, report: Report) -> Models:
    """Every memory gets a vector of the embedder's model beside that of its row; `characters`: of a text that are read.

    What is written meanwhile by another model is picked up; what is missing in the end was written in the last seconds.

    Raises:
        StchatError: memories move to a third model.
    """
    model = embedder.model
    found = models(api)
    if (others := [name for name, count in found.second.items() if name != model and count]) and model != found.left:
        raise StchatError(
            f"memories move to {others[0]} already, got {model}: finish that, or go back: --to the model of the rows"
        )
    if found.missing(model):
        api.execute(_BEGIN, {"model": model}, idempotent=True)
    for _ in range(WALKS):
        if not found.missing(model):
            break
        total = found.memories
        if not _walk(api, embedder, characters, lambda done, total=total: report(done, total)):  # type: ignore[misc]
            time.sleep(BUSY_SECONDS)
        found = models(api)
    _learn(api, found, model)
    return models(api)


def finish(api: DataApi, model: str, report: Report) -> Models:
    """The vectors of the model become those of the rows, and what is left of a move goes.

    Raises:
        StchatError: memories have no vector of the model.
    """
    found = models(api)
    if missing := found.missing(model):
        raise StchatError(
            f"{missing:,} of {found.memories:,} memories have no vector of {model}: stchat embeddings move --to {model}"
        )
    if not found.second:
        return found
    api.execute(_ADOPT, {"model": model}, idempotent=True)
    swapped, total, rows = 0, found.second.get(model, 0), SWAPPED
    while models(api).second.get(model, 0):
        start: int | None = 0
        while start is not None:
            began = time.monotonic()
            [step] = api.execute(_SWAP, {"model": model, "start": start, "rows": rows}, idempotent=True).rows
            seconds = time.monotonic() - began
            # A row goes into the global HNSW index again, if there is one, which may take 30 ms.
            rows = (
                min(2 * rows, MOST_SWAPPED)
                if seconds < FAST_SECONDS
                else max(rows // 2, 1)
                if seconds > SLOW_SECONDS
                else rows
            )
            start, swapped = step["after"], swapped + step["done"]
            report(min(swapped, total), total)
    while api.execute(_DROP, {"rows": WINDOW}, idempotent=True).rows[0]["dropped"]:
        pass
    while api.execute(_RETIRE, {"model": model, "all": True}, idempotent=True).rows[0]["left_over"]:
        time.sleep(BUSY_SECONDS)
        api.execute(_DROP, {"rows": WINDOW}, idempotent=True)
    memory_codes.keep(api)
    return models(api)


def _walk(api: DataApi, embedder: Embedder, characters: int, report: Callable[[int], None]) -> int:
    """Once over all memories; how many got a vector."""
    stored, start = 0, 0
    while True:
        values = {
            "model": embedder.model,
            "start": start,
            "rows": WINDOW,
            "most": BATCH_ITEMS,
            "characters": characters,
        }
        rows = query(api, _NEXT, values)
        found = joined([row for row in rows if row["primarykey"] is not None], "chat_summary")
        if found:
            stored += _store(api, embedder, found)
            report(stored)
        if rows[0]["after"] is None:
            return stored
        start = rows[0]["after"]


def _store(api: DataApi, embedder: Embedder, memories: Sequence[Row]) -> int:
    # A blank summary, which the library does not write, is refused by models.
    texts = [text if (text := memory["chat_summary"]).strip() else "." for memory in memories]
    vectors = embedder.documents(texts).vectors
    items: list[dict[str, Any]] = [
        {"memory": memory["primarykey"], "digest": memory["digest"], "vector": to_text(vector)}
        for memory, vector in zip(memories, vectors, strict=True)
    ]
    values = {"model": embedder.model, "items": json.dumps(items, separators=(",", ":"))}
    return int(api.execute(_PUT, values, idempotent=True).rows[0]["stored"])


def _learn(api: DataApi, found: Models, model: str) -> None:
    """Codes of the second vectors that fit them, if there are enough: as memory_codes does it for those of the rows."""
    if found.second.get(model, 0) >= memory_codes.LEARNABLE and model not in found.learned:
        api.execute(_LEARN, {"model": model}, idempotent=False)
    while api.execute(_RETIRE, {"model": model, "all": False}, idempotent=True).rows[0]["left_over"]:
        start: int | None = 0
        while start is not None:
            [step] = api.execute(_RECODE, {"model": model, "start": start, "rows": WINDOW}, idempotent=True).rows
            start = step["after"]
