"""What users said before, found by meaning: summaries with their vectors. The SQL is functions of the database
(sql/st_chat_db), which see the rows of the user they are asked for alone."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stchat.chat import validation
from stchat.chat.batches import Item, batches, prepare
from stchat.chat.embeddings import CohereEmbedder, Embedder
from stchat.chat.vectors import DIMENSIONS, Vector, normalised, to_text
from stchat.data_api import DataApi, paging
from stchat.data_api.retry import Backoff
from stchat.environment import ApplicationSettings
from stchat.errors import PartialError, SettingsError, StchatError

log = logging.getLogger(__name__)

MOST_MEMORIES = 100  # that one recall answers

_REMEMBER = "SELECT item, written FROM st_chat_remember(:items::jsonb)"
_RECALL = """
SELECT primarykey, theme, chatid, metadata, similarity, part, chat_summary
FROM st_chat_recall(:userid, :vector::vector, :k::int, :theme::text, :metadata::jsonb)"""
_FORGET = "SELECT st_chat_forget(:userid, :theme::text, :chatid::bigint) AS forgotten"


@dataclass(frozen=True, slots=True)
class Memory:
    """`similarity` is the cosine between the query's vector and the memory's: 1 the same, 0 unrelated, -1 opposite."""

    primarykey: int
    theme: str
    chatid: int
    summary: str
    metadata: dict[str, Any] | None
    similarity: float


@dataclass(frozen=True)
class Remembered:
    """How many items were `written`, and how many `known` before; `cut`: the places, from 0, of the items whose summary
    is, or may be, longer than the model reads. They are stored whole; what comes after is not searched."""

    written: int = 0
    known: int = 0
    cut: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class ChatMemory:
    """Each operation is one call of the Data API, and may be sent again, because the database finds what is there.

    So a call whose answer was lost is repeated for as long as `api` has timeout: that is the whole operation's, the
    model's calls and every batch included. Every operation raises InputError before anything is sent, DataApiError
    when the database stays asleep, unreachable or unwilling, and EmbeddingError when the model does.
    """

    api: DataApi
    embedder: Embedder

    def __post_init__(self) -> None:
        """The table's dimension is this package's constant, as its migration is: no call is needed to compare."""
        if self.embedder.dimensions != DIMENSIONS:
            raise SettingsError(
                f"the embedder must have the {DIMENSIONS} dimensions of st_chat_history_vector_table.chat_vector,"
                f" got {self.embedder.dimensions}: take a model that has them, or ask it for them"
            )

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> ChatMemory:
        """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN, STCHAT_DATABASE and STCHAT_EMBEDDING_MODEL."""
        settings = ApplicationSettings.from_environment(environment)
        return cls(DataApi.from_settings(settings), CohereEmbedder(model_id=settings.embedding_model))

    def with_timeout(self, seconds: float) -> ChatMemory:
        """The same, whose operations wait that long at most for what is asleep or busy."""
        return replace(self, api=self.api.with_timeout(seconds))

    def remember(
        self,
        userid: str,
        theme: str,
        chatid: int,
        summary: str,
        metadata: Mapping[str, Any] | None = None,
        vector: Sequence[float] | None = None,
    ) -> bool:
        """Keep one memory; the model is asked for its vector unless one is given.

        Args:
            userid, theme: 1 to 1,000 bytes of UTF-8.
            chatid: a whole number from 0 to 2^63 - 1: the turn that this is about.
            summary: up to 400,000 bytes of UTF-8; without NUL, and not blank.
            metadata: a JSON object of at most 16 KB. Numbers are PostgreSQL's numeric: 1e300 comes back as an integer.
            vector: 1,024 finite numbers, not all zero, of any length: it is stored with length 1.

        Returns:
            True if it was written. False if this summary was there under this userid, theme and chatid (it then has the
            new metadata and vector), or was written by this very call before its answer was lost.
        """
        item = {"userid": userid, "theme": theme, "chatid": chatid, "summary": summary}
        prepared = prepare(item | {"metadata": metadata, "vector": vector})
        return self._store([prepared], Backoff(self.api.timeout)).written == 1

    def remember_many(self, items: Iterable[Mapping[str, Any]]) -> Remembered:
        """Keep many, in batches of 96 and of 4 MB: each is stored whole or not at all, in the order given.

        Args:
            items: mappings with the names of `remember`'s arguments.

        Raises:
            PartialError: a batch failed after others had been stored; it says which. Sending all again doubles nothing.
            InputError: names the item, as in `items[3].summary`; nothing was sent.
        """
        prepared = [prepare(item, f"items[{place}].") for place, item in enumerate(items)]
        tries = Backoff(self.api.timeout)
        done, stored = Remembered(), 0
        for batch in batches(prepared):
            try:
                more = self._store(batch, tries)
            except StchatError as error:
                if not stored:
                    raise
                raise PartialError(stored, len(prepared), done, error) from error
            cut = [stored + place for place in more.cut]
            done = Remembered(done.written + more.written, done.known + more.known, done.cut + cut)
            stored += len(batch)
            if stored < len(prepared):
                log.info("%d of %d memories are stored", stored, len(prepared))
        return done

    def recall(
        self,
        userid: str,
        query: str,
        k: int = 10,
        theme: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[Memory]:
        """The memories of this user nearest in meaning, nearest first: one call of the model, one of the Data API.

        Args:
            query: what to look for; of a long one the model reads the beginning (CohereEmbedder), which is logged.
            k: how many, 1 to 100. Fewer come back only if the user has no more.
            theme: only of this theme.
            metadata: only those whose metadata contain this, as PostgreSQL's `@>` does.
        """
        parameters = _recall_parameters(userid, k, theme, metadata)
        validation.non_blank("query", query)
        tries = Backoff(self.api.timeout)
        return self._recall(parameters, self.embedder.with_timeout(tries.left).query(query), tries)

    def recall_vector(
        self,
        userid: str,
        vector: Sequence[float],
        k: int = 10,
        theme: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[Memory]:
        """As `recall`, for a vector of the caller's own: 1,024 finite numbers, not all zero, of any length."""
        parameters = _recall_parameters(userid, k, theme, metadata)
        return self._recall(parameters, normalised(vector), Backoff(self.api.timeout))

    def forget(self, userid: str, theme: str | None = None, chatid: int | None = None) -> int:
        """Drop the memories of a user: all, of one theme, or of one chatid; returns how many went."""
        parameters = {
            "userid": validation.name("userid", userid),
            "theme": None if theme is None else validation.name("theme", theme),
            "chatid": None if chatid is None else validation.bigint_id("chatid", chatid),
        }
        [row] = self.api.execute(_FORGET, parameters, idempotent=True).rows
        return int(row["forgotten"])

    def _store(self, batch: Sequence[Item], tries: Backoff) -> Remembered:
        without = [place for place, item in enumerate(batch) if item.vector is None]
        vectors = {place: item.vector for place, item in enumerate(batch)}
        cut: list[int] = []
        if without:
            texts = [batch[place].columns["summary"] for place in without]
            embedded = self.embedder.with_timeout(tries.left).documents(texts)
            vectors |= dict(zip(without, embedded.vectors, strict=True))
            cut = [without[place] for place in embedded.cut]
        rows = [item.columns | {"vector": to_text(vectors[place] or [])} for place, item in enumerate(batch)]
        written = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        answer = self.api.with_timeout(tries.left).execute(_REMEMBER, {"items": written}, idempotent=True).rows
        new = sum(row["written"] for row in answer)
        return Remembered(new, len(batch) - new, cut)

    def _recall(self, parameters: dict[str, Any], vector: Vector, tries: Backoff) -> list[Memory]:
        rows = paging.query(self.api.with_timeout(tries.left), _RECALL, parameters | {"vector": to_text(vector)})
        return [
            Memory(
                primarykey=row["primarykey"],
                theme=row["theme"],
                chatid=row["chatid"],
                summary=row["chat_summary"],
                metadata=row["metadata"],
                similarity=row["similarity"],
            )
            for row in paging.joined(rows, "chat_summary")
        ]


def _recall_parameters(userid: str, k: int, theme: str | None, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "userid": validation.name("userid", userid),
        "k": validation.integer("k", k, 1, MOST_MEMORIES),
        "theme": None if theme is None else validation.name("theme", theme),
        "metadata": None if metadata is None else validation.metadata("metadata", metadata),
    }
