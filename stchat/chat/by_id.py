"""Memories by their ids: read, listed, changed and forgotten. Part of ChatMemory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from stchat.chat import validation
from stchat.chat.embeddings import Embedder
from stchat.chat.recall import Memory, to_memories
from stchat.chat.vectors import to_text
from stchat.data_api import Backoff, Database, query, to_json
from stchat.errors import DatabaseError, InputError

MOST_LISTED = 1_000  # of one page

_GET = """
SELECT id, primarykey, theme, chatid, metadata, created_at, updated_at, expires_at, part, chat_summary
FROM st_chat_memory_get(:userid, :ids::jsonb)"""
_LIST = """
SELECT id, primarykey, theme, chatid, metadata, created_at, updated_at, expires_at, part, chat_summary
FROM st_chat_memory_list(:userid, :theme::text, :after::text, :key::bigint, :limit::int)"""
_UPDATE = "SELECT st_chat_memory_update(:userid, :id, :changes::jsonb) AS found"
_FORGET = "SELECT st_chat_forget_ids(:userid, :ids::jsonb) AS deleted"
_NO_SUCH_ID = "P0002"

Memories = list[Memory]  # within the class, `list` is its method


class Unchanged(Enum):
    """What `update` leaves as it is."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


class MemoriesById:
    api: Database
    embedder: Embedder

    def get(self, userid: str, ids: Sequence[str]) -> Memories:
        """The memories of these ids, 1 to 500, in their order; what is not there, or has expired, is left out."""
        parameters = {"userid": validation.name("userid", userid), "ids": to_json(validation.ids("ids", ids))}
        return to_memories(query(self.api, _GET, parameters))

    def list(self, userid: str, theme: str | None = None, after: str | int | None = None, limit: int = 50) -> Memories:
        """The memories of a user, or of one theme, oldest first, in pages that stay the same while others write.

        Args:
            after: the id of a page's last memory, for the next page; or its primarykey, which serves as well when that
                memory has been deleted since.
            limit: 1 to 1,000.

        Raises:
            InputError: no memory of this user has the id `after`.
        """
        by_key = isinstance(after, int)
        parameters = {
            "userid": validation.name("userid", userid),
            "theme": None if theme is None else validation.name("theme", theme),
            "after": None if after is None or by_key else validation.name("after", after),
            "key": validation.bigint_id("after", after) if by_key else None,
            "limit": validation.integer("limit", limit, 1, MOST_LISTED),
        }
        try:
            return to_memories(query(self.api, _LIST, parameters))
        except DatabaseError as error:
            if error.sqlstate != _NO_SUCH_ID:
                raise
            hint = "it may have been deleted: its primarykey serves as well"
            raise InputError("after", "be the id of a memory of this user", validation.describe(after), hint) from None

    def update(
        self,
        userid: str,
        id: str,
        *,
        summary: str | Unchanged = UNCHANGED,
        metadata: Mapping[str, Any] | Unchanged | None = UNCHANGED,
        expires_at: datetime | str | Unchanged | None = UNCHANGED,
    ) -> bool:
        """Change what is given of one memory; of a new summary the model makes the vector.

        Args:
            expires_at: None: never.

        Returns:
            Whether there is such a memory. A retry after a lost response leaves the same state.
        """
        parameters = {"userid": validation.name("userid", userid), "id": validation.name("id", id)}
        changes: dict[str, Any] = {}
        if not isinstance(metadata, Unchanged):
            changes["metadata"] = None if metadata is None else json.loads(validation.metadata("metadata", metadata))
        if not isinstance(expires_at, Unchanged):
            changes["expires_at"] = None if expires_at is None else validation.moment("expires_at", expires_at)
        backoff = Backoff(self.api.timeout)
        if not isinstance(summary, Unchanged):
            changes["summary"] = validation.non_blank("summary", summary)
            embedded = self.embedder.with_timeout(backoff.left).documents([summary])
            changes |= {"vector": to_text(embedded.vectors[0]), "model": self.embedder.model}
        if not changes:
            raise InputError("summary", "be given, or metadata or expires_at", "none of them")
        api = self.api.with_timeout(backoff.left)
        [row] = api.execute(_UPDATE, parameters | {"changes": to_json(changes)}, idempotent=True).rows
        return bool(row["found"])

    def forget(self, userid: str, ids: Sequence[str]) -> int:
        """Delete the memories of these ids, 1 to 500. Returns how many; a retry after a lost response finds none."""
        parameters = {"userid": validation.name("userid", userid), "ids": to_json(validation.ids("ids", ids))}
        [row] = self.api.execute(_FORGET, parameters, idempotent=True).rows
        return int(row["deleted"])
