"""Strands' MemoryStore over the memories of the chat: what an agent adds in one session, it finds in the next."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from strands.memory.extraction.types import ExtractionConfig
from strands.memory.types import MemoryEntry, MemoryStore, Metadata, SearchOptions

from stchat.aio import in_thread
from stchat.chat import MOST_MEMORIES, ChatMemory, Memory, Mode, validation


class ChatMemoryStore(MemoryStore):
    """`search` is `ChatMemory.recall`, one call of the model and one of the database; `add` is `remember`. The same
    content under the same theme is one memory, so an extraction that is sent twice is harmless.

    Args:
        userid: whose memories; row security shows no others.
        theme: what `add` writes under, and `search` reads.
        everywhere: `search` reads all themes of the user, the application's own too.
        name, description, max_search_results, writable, extraction: as MemoryStore has them.
        mode: how `search` searches, as in `recall`.
        threads: where calls run; by default those of `stchat.aio`.
    """

    def __init__(
        self,
        memory: ChatMemory,
        userid: str,
        theme: str = "agent",
        *,
        everywhere: bool = False,
        name: str = "memory",
        description: str | None = None,
        max_search_results: int | None = None,
        writable: bool = True,
        extraction: ExtractionConfig | bool | None = None,
        mode: Mode = "hybrid",
        threads: Executor | None = None,
    ) -> None:
        self.memory = memory
        self.userid = validation.name("userid", userid)
        self.theme = validation.name("theme", theme)
        self.everywhere = everywhere
        self.name = name
        self.description = description
        self.max_search_results = _results(max_search_results)
        self.writable = writable
        self.extraction = extraction
        self.mode: Mode = mode
        self.threads = threads

    @classmethod
    def from_env(
        cls, userid: str, theme: str = "agent", environment: Mapping[str, str] = os.environ, **options: Any
    ) -> ChatMemoryStore:
        """As `ChatMemory.from_env`; `options` are the arguments of this class."""
        return cls(ChatMemory.from_env(environment), userid, theme, **options)

    async def search(self, query: str, options: SearchOptions | None = None) -> list[MemoryEntry]:
        """The best first. Nothing for a query of blanks; over 100 results are 100."""
        asked = _results((options or {}).get("max_search_results", self.max_search_results))
        k = 10 if asked is None else min(asked, MOST_MEMORIES)
        if not validation.text("query", query).strip():
            return []
        theme = None if self.everywhere else self.theme
        found = await in_thread(self.threads, self.memory.recall, self.userid, query, k, theme, mode=self.mode)
        return [_entry(one) for one in found]

    async def add(self, content: str, metadata: Metadata | None = None) -> bool:
        """Whether it was not there yet."""
        validation.non_blank("content", content)
        return await in_thread(self.threads, self.memory.remember, self.userid, self.theme, 0, content, metadata)


def _results(asked: int | None) -> int | None:
    return None if asked is None else validation.integer("max_search_results", asked, 1, validation.LARGEST_INT)


def _entry(memory: Memory) -> MemoryEntry:
    """With what a model or a program may need besides: `metadata` as it was added, and these fields of ours."""
    ours: Metadata = {"id": memory.id, "theme": memory.theme, "score": memory.score}
    if memory.created_at is not None:
        ours["created_at"] = memory.created_at.isoformat()
    return MemoryEntry(content=memory.summary, metadata={**(memory.metadata or {}), **ours})
