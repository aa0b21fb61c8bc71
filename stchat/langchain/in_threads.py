"""A vector store's async methods: each runs the sync one in a thread of ours, as `stchat.aio` does."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore

from stchat.aio import in_thread


class InThreads(VectorStore):
    threads: Executor | None

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        return await in_thread(self.threads, self.add_documents, documents, **kwargs)

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        return await in_thread(self.threads, self.delete, ids, **kwargs)

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        return await in_thread(self.threads, self.get_by_ids, ids)

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return await in_thread(self.threads, self.similarity_search, query, k, **kwargs)

    async def asimilarity_search_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
        return await in_thread(self.threads, self.similarity_search_with_score, *args, **kwargs)

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        return await in_thread(self.threads, self.similarity_search_by_vector, embedding, k, **kwargs)

    async def amax_marginal_relevance_search(self, *args: Any, **kwargs: Any) -> list[Document]:
        return await in_thread(self.threads, self.max_marginal_relevance_search, *args, **kwargs)

    async def amax_marginal_relevance_search_by_vector(self, *args: Any, **kwargs: Any) -> list[Document]:
        return await in_thread(self.threads, self.max_marginal_relevance_search_by_vector, *args, **kwargs)
