"""What the frameworks' classes refuse, by the framework's own names, before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from stchat.chat import DIMENSIONS, ChatMemory, CohereEmbedder
from stchat.data_api import Database
from stchat.errors import InputError
from stchat.langchain import DataApiVectorStore
from stchat.langgraph import DataApiSaver
from stchat.strands import ChatMemoryStore

VECTOR = [1.0] * DIMENSIONS
# Neither is used: whatever is sent fails with another error.
DATABASE = cast(Database, object())
MEMORY = ChatMemory(DATABASE, CohereEmbedder())
DOCUMENTS = DataApiVectorStore(MEMORY, "u")
THREAD: Any = {"configurable": {"thread_id": "t"}}


async def _listed(limit: Any) -> None:
    async for _ in DataApiSaver(DATABASE).alist(THREAD, limit=limit):
        pass


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: DOCUMENTS.similarity_search("q", k=0), "k must be an integer from 1 to 100, got 0"),
    (lambda: DOCUMENTS.max_marginal_relevance_search("q", k=-1), "k must be an integer from 1 to 100, got -1"),
    (
        lambda: DOCUMENTS.max_marginal_relevance_search("q", k=5, fetch_k=4),
        "fetch_k must be an integer from 5 to 100, got 4",
    ),
    (
        lambda: DOCUMENTS.max_marginal_relevance_search_by_vector(VECTOR, fetch_k=101),
        "fetch_k must be an integer from 4 to 100, got 101",
    ),
    (
        lambda: asyncio.run(DOCUMENTS.amax_marginal_relevance_search("q", lambda_mult=1.1)),
        "lambda_mult must be a number from 0 to 1, got 1.1",
    ),
    (
        lambda: DOCUMENTS.as_retriever(search_type="mmr", search_kwargs={"lambda_mult": "1"}).invoke("q"),
        "lambda_mult must be a number from 0 to 1, got text of 1 characters",
    ),
    (lambda: [*DataApiSaver(DATABASE).list(THREAD, limit=-1)], "limit must be an integer from 0 to 2147483647, got -1"),
    (lambda: asyncio.run(_listed(1.5)), "limit must be an integer from 0 to 2147483647, got 1.5"),
    (
        lambda: ChatMemoryStore(MEMORY, "u", max_search_results=0),
        "max_search_results must be an integer from 1 to 2147483647, got 0",
    ),
    (
        lambda: asyncio.run(ChatMemoryStore(MEMORY, "u").search("q", {"max_search_results": -1})),
        "max_search_results must be an integer from 1 to 2147483647, got -1",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as raised:
        call()
    assert str(raised.value) == message
