"""What a recall asks of the database, and what it returns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from stchat.chat import filters, validation
from stchat.data_api import Database, Row, joined, query
from stchat.errors import InputError

MOST_MEMORIES = 100  # of one recall

Mode = Literal["hybrid", "semantic", "lexical"]

_RECALL = """
SELECT primarykey, theme, chatid, metadata, similarity, part, chat_summary, score, semantic, lexical,
    id, created_at, updated_at, expires_at
FROM st_chat_recall(
    :userid, :vector::vector, :k::int, :theme::text, :metadata::jsonb, :text::text, :mode, :filter::jsonb,
    :since::timestamptz, :until::timestamptz, :half_life::float8, :recency::float8, :model)"""


@dataclass(frozen=True, slots=True)
class Memory:
    """`similarity` is the cosine between the query's vector and the memory's: 1 the same, 0 unrelated, -1 opposite.

    `score` is what memories are sorted by. By mode "hybrid" it is the mean of `semantic`, the similarity brought to
    0..1 (1 the nearest memory, 0 the average of them), and `lexical`, BM25 of this user's memories (1 the memory with
    the best words, 0 one without any). By "semantic" it is the similarity, and by "lexical" it is `lexical`. None is
    what the mode did not look for, each of them where the memory was not searched for (`get`, `list`), and the
    similarity of a memory that has no vector by the question's model.

    `id` is the caller's, or one that was made for it. `updated_at`: when its summary, metadata, vector or `expires_at`
    last changed. Times are in UTC; `expires_at` None: never.
    """

    primarykey: int
    theme: str
    chatid: int
    summary: str
    metadata: dict[str, Any] | None
    similarity: float | None = None
    score: float | Any = None  # `Any`: a caller of `recall` need not ask whether it is None
    semantic: float | None = None
    lexical: float | None = None
    id: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Which:
    """What `recall` and `recall_vector` are asked for besides."""

    filter: Mapping[str, Any] | None = None
    since: datetime | str | None = None
    until: datetime | str | None = None
    half_life: timedelta | float | None = None
    recency: float = 0.0

    def checked(self) -> dict[str, Any]:
        recency = validation.share("recency", self.recency)
        if recency and self.half_life is None:
            raise InputError("half_life", "be given with recency", "None", "timedelta(days=30), for instance")
        node = None if self.filter is None else filters.parse(self.filter)
        return {
            "filter": None if node is None else json.dumps(node, ensure_ascii=False),
            "since": None if self.since is None else validation.moment("since", self.since),
            "until": None if self.until is None else validation.moment("until", self.until),
            "half_life": None if self.half_life is None else validation.seconds("half_life", self.half_life),
            "recency": recency,
        }


def parameters(
    userid: str,
    k: int,
    theme: str | None,
    metadata: Mapping[str, Any] | None,
    text: str | None,
    mode: str,
    which: Which,
) -> dict[str, Any]:
    """Checked. `text`: whose words are looked for."""
    if mode not in get_args(Mode):
        raise InputError("mode", f"be one of {', '.join(get_args(Mode))}", validation.describe(mode))
    return {
        "userid": validation.name("userid", userid),
        "k": validation.integer("k", k, 1, MOST_MEMORIES),
        "theme": None if theme is None else validation.name("theme", theme),
        "metadata": None if metadata is None else validation.metadata("metadata", metadata),
        "text": None if text is None or mode == "semantic" else text,
        "mode": mode,
    } | which.checked()


def memories(api: Database, values: dict[str, Any]) -> list[Memory]:
    """In one call, the best first."""
    return to_memories(query(api, _RECALL, values))


def to_memories(rows: Sequence[Row]) -> list[Memory]:
    """Of rows with the fields' names, but `chat_summary`; what they lack keeps its default."""
    names = [name for name in Memory.__slots__ if name != "summary"]
    return [
        Memory(summary=row["chat_summary"], **{name: row[name] for name in names if name in row})
        for row in joined(rows, "chat_summary")
    ]
