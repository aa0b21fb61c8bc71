"""Summaries of earlier chats, found by meaning and by words. The SQL lies in functions of the database
(sql/st_chat_db), which see only the rows of the user whom they are called for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from stchat.chat import validation
from stchat.chat.batches import Item, batches, expiry, prepare
from stchat.chat.by_id import MemoriesById
from stchat.chat.embeddings import CohereEmbedder, Embedder
from stchat.chat.recall import Memory, Mode, Which, memories, parameters
from stchat.chat.vectors import DIMENSIONS, Vector, normalised, to_text
from stchat.data_api import Backoff, DataApi, Database, to_json
from stchat.environment import ApplicationSettings
from stchat.errors import PartialError, SettingsError, StchatError

log = logging.getLogger(__name__)

_REMEMBER = "SELECT item, written FROM st_chat_remember(:items::jsonb)"
_DELETE = "SELECT st_chat_forget(:userid, :theme::text, :chatid::bigint) AS deleted"


@dataclass(frozen=True)
class Remembered:
    """How many items were `created`, and how many were `existing` before; `truncated`: the indexes of the items whose
    summary is, or may be, longer than the model reads. They are stored whole; the rest is not searched."""

    created: int = 0
    existing: int = 0
    truncated: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class ChatMemory(MemoriesById):
    """Each operation is one call of `api`, a DataApi or a Postgres, idempotent: the database finds what exists already.

    So a call whose response was lost is retried for as long as `api` has timeout: that is the whole operation's, the
    model's calls and every batch included. Every operation raises InputError before anything is sent, DataApiError
    when the database stays paused or unreachable, or refuses, and EmbeddingError when the model does.

    `expires_after`: how long after it is stored a memory expires that has no `expires_at` of its own; None: never. What
    has expired is not there for any operation, also before it is deleted (docs/memory.md).
    """

    api: Database
    embedder: Embedder
    reader: Database | None = None  # where `recall` goes instead: a reader, which lags behind (docs/transports.md)
    expires_after: timedelta | None = None

    def __post_init__(self) -> None:
        """The table's dimension is this package's constant, as its migration is: no call is needed to compare."""
        expiry(self.expires_after)
        if self.embedder.dimensions != DIMENSIONS:
            raise SettingsError(
                f"the embedder must have the {DIMENSIONS} dimensions of st_chat_history_vector_table.chat_vector,"
                f" got {self.embedder.dimensions}: use a model that has them, or request that many of it"
            )

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> ChatMemory:
        """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN, STCHAT_DATABASE, STCHAT_EMBEDDING_MODEL, STCHAT_MEMORY_DAYS."""
        settings = ApplicationSettings.from_environment(environment)
        embedder = CohereEmbedder(model_id=settings.embedding_model, region=settings.bedrock_region)
        return cls(DataApi.from_settings(settings), embedder, expires_after=settings.memory_expires_after)

    def with_timeout(self, seconds: float) -> ChatMemory:
        """The same, whose operations wait that long at most for what is paused or busy."""
        reader = self.reader and self.reader.with_timeout(seconds)
        return replace(self, api=self.api.with_timeout(seconds), reader=reader)

    def remember(
        self,
        userid: str,
        theme: str,
        chatid: int,
        summary: str,
        metadata: Mapping[str, Any] | None = None,
        vector: Sequence[float] | None = None,
        id: str | None = None,
        expires_at: datetime | str | None = None,
    ) -> bool:
        """Store one memory; the model makes its vector unless one is given.

        Args:
            userid, theme: 1 to 1,000 bytes of UTF-8.
            chatid: an integer from 0 to 2^63 - 1: the turn that this is about.
            summary: up to 400,000 bytes of UTF-8; without NUL, and not blank.
            metadata: a JSON object of at most 16 KB. Numbers are PostgreSQL's numeric: 1e300 comes back as an integer.
            vector: 1,024 finite numbers, not all zero, of any length: it is stored with length 1, as one of the
                embedder's model.
            id: 1 to 1,000 bytes of UTF-8, your own. A memory of this user that has it is replaced as a whole; it keeps
                its primarykey and created_at.
            expires_at: a datetime with its zone, or ISO 8601 text; by `expires_after` unless given.

        Returns:
            True if it was created. False if the id already exists, or, without one, this summary under this userid,
            theme and chatid (it then has the new metadata, vector and expires_at), or if it was created by this very
            call before its response was lost.
        """
        item = {"userid": userid, "theme": theme, "chatid": chatid, "summary": summary, "id": id}
        given = item | {"metadata": metadata, "vector": vector, "expires_at": expires_at}
        prepared = prepare(given, expires_at=expiry(self.expires_after))
        return self._store([prepared], Backoff(self.api.timeout)).created == 1

    def remember_many(self, items: Iterable[Mapping[str, Any]]) -> Remembered:
        """Store many, in batches of 96 and of 4 MB: each batch is stored whole or not at all, in the order given.

        Args:
            items: mappings with the names of `remember`'s arguments, and `created_at` and `updated_at` of memories that
                come from elsewhere: datetimes with their zone, or ISO 8601 text; now unless given. `embedding_model`:
                whose a vector is; of another model than the embedder's it is made anew.

        Raises:
            PartialError: a batch failed after others had been stored. Send all again: nothing is stored twice.
            InputError: names the item, as in `items[3].summary`; nothing was sent.
        """
        expires_at = expiry(self.expires_after)
        prepared = [prepare(item, f"items[{index}].", expires_at) for index, item in enumerate(items)]
        backoff = Backoff(self.api.timeout)
        done, stored = Remembered(), 0
        for batch in batches(prepared):
            try:
                more = self._store(batch, backoff)
            except StchatError as error:
                if not stored:
                    raise
                raise PartialError(error, stored=stored, items=len(prepared), **asdict(done)) from error
            truncated = [stored + index for index in more.truncated]
            done = Remembered(done.created + more.created, done.existing + more.existing, done.truncated + truncated)
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
        mode: Mode = "hybrid",
        *,
        filter: Mapping[str, Any] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        half_life: timedelta | float | None = None,
        recency: float = 0.0,
    ) -> list[Memory]:
        """The best memories of this user, the best first: one call of the model, one of the database.

        Args:
            query: the text to search by; of a long one the model reads the beginning (CohereEmbedder), which is logged.
            k: how many, 1 to 100. Fewer come back only if the user has no more, or by "lexical".
            theme: only of this theme.
            metadata: only those whose metadata contain this, as PostgreSQL's `@>` does.
            mode: "hybrid" by meaning and by words, "semantic" by meaning; "lexical" by words: those memories alone in
                which words of `query` stand, and no call of the model.
            filter: only those whose metadata match, such as `{"price": {"$lt": 10}}` (docs/memory.md, Filters).
            since, until: only those created from `since` on and before `until`: a datetime with its zone, or ISO 8601.
            half_life, recency: sorted by age too: of a positive score the share `recency`, 0 to 1, halves with each
                `half_life`, a timedelta or seconds, since the memory was changed (docs/memory.md, Recency).
        """
        which = Which(filter, since, until, half_life, recency)
        values = parameters(userid, k, theme, metadata, validation.non_blank("query", query), mode, which)
        backoff = Backoff(self.api.timeout)
        vector = None if mode == "lexical" else self.embedder.with_timeout(backoff.left).query(query)
        return self._recall(values, vector, backoff)

    def recall_vector(
        self,
        userid: str,
        vector: Sequence[float],
        k: int = 10,
        theme: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        text: str | None = None,
        *,
        filter: Mapping[str, Any] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        half_life: timedelta | float | None = None,
        recency: float = 0.0,
    ) -> list[Memory]:
        """As `recall`, with a vector of the embedder's model that the caller has: 1,024 finite numbers, not all zero.

        Args:
            text: what the vector is of, to search by its words too, as by mode "hybrid". None: by meaning alone.
        """
        text = None if text is None else validation.non_blank("text", text)
        mode = "semantic" if text is None else "hybrid"
        which = Which(filter, since, until, half_life, recency)
        values = parameters(userid, k, theme, metadata, text, mode, which)
        return self._recall(values, normalised(vector), Backoff(self.api.timeout))

    def delete(self, userid: str, theme: str | None = None, chatid: int | None = None) -> int:
        """Delete the memories of a user: all, of one theme, or of one chatid. Returns how many."""
        parameters = {
            "userid": validation.name("userid", userid),
            "theme": None if theme is None else validation.name("theme", theme),
            "chatid": None if chatid is None else validation.bigint_id("chatid", chatid),
        }
        [row] = self.api.execute(_DELETE, parameters, idempotent=True).rows
        return int(row["deleted"])

    def _store(self, batch: Sequence[Item], backoff: Backoff) -> Remembered:
        vectors = {index: item.vector_of(self.embedder.model) for index, item in enumerate(batch)}
        to_embed = [index for index, vector in vectors.items() if vector is None]
        truncated: list[int] = []
        if to_embed:
            texts = [batch[index].columns["summary"] for index in to_embed]
            embedded = self.embedder.with_timeout(backoff.left).documents(texts)
            vectors |= dict(zip(to_embed, embedded.vectors, strict=True))
            truncated = [to_embed[index] for index in embedded.truncated]
        model = {"model": self.embedder.model}
        rows = [item.columns | model | {"vector": to_text(vectors[index] or [])} for index, item in enumerate(batch)]
        items = to_json(rows)
        outcomes = self.api.with_timeout(backoff.left).execute(_REMEMBER, {"items": items}, idempotent=True).rows
        created = sum(row["written"] for row in outcomes)
        return Remembered(created, len(batch) - created, truncated)

    def _recall(self, values: dict[str, Any], vector: Vector | None, backoff: Backoff) -> list[Memory]:
        api = (self.reader or self.api).with_timeout(backoff.left)
        asked = {"vector": None if vector is None else to_text(vector), "model": self.embedder.model}
        return memories(api, values | asked)
