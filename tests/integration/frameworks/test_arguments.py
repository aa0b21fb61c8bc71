"""What the frameworks' classes refuse, by the framework's own names, before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from strands.types.exceptions import StorageError

from stchat.chat import DIMENSIONS, ChatMemory, CohereEmbedder
from stchat.data_api import Database
from stchat.errors import InputError
from stchat.langchain import DataApiVectorStore
from stchat.langgraph import DataApiSaver
from stchat.strands import ChatMemoryStore, StateStorage

FAKE = DeterministicFakeEmbedding(size=DIMENSIONS)
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

RECALL = "k, filter, metadata, since, until, half_life, recency"
REFUSED += [
    (
        lambda: DOCUMENTS.similarity_search("q", colour=1),
        f"arguments must be among {RECALL}, mode, got colour",
    ),
    (
        lambda: asyncio.run(DOCUMENTS.asimilarity_search_by_vector(VECTOR, mode="semantic")),
        f"arguments must be among {RECALL}, text, got mode",
    ),
    (
        lambda: DOCUMENTS.as_retriever(search_type="mmr", search_kwargs={"theme": "t"}).invoke("q"),
        f"arguments must be among {RECALL}, fetch_k, lambda_mult, mode, got theme",
    ),
    (
        lambda: DOCUMENTS.max_marginal_relevance_search_by_vector(VECTOR, text="q", mode="lexical", userid="v"),
        f"arguments must be among {RECALL}, fetch_k, lambda_mult, text, got mode, userid",
    ),
    (lambda: DOCUMENTS.add_texts(["a"], colour=1), "arguments must be among ids, expires_at, batch_size, got colour"),
    (lambda: DOCUMENTS.delete(["a"], colour=1), "arguments must be among ids, got colour"),
    (
        lambda: DataApiVectorStore.from_texts(["a"], FAKE, colour=1),
        "arguments must be among memory, userid, theme, mode, threads, got colour",
    ),
    (
        lambda: DataApiVectorStore.from_texts(["a"], FAKE, memory=MEMORY),
        'userid must be given, got none: name whose documents they are: userid="hana"',
    ),
    (lambda: DOCUMENTS.delete("abc"), "ids must be a list of ids, got text of 3 characters"),
    (lambda: DOCUMENTS.get_by_ids(["a", 5]), "ids[1] must be text, got 5"),  # type: ignore[list-item]
    (lambda: asyncio.run(ChatMemoryStore(MEMORY, "u").search(5)), "query must be text, got 5"),  # type: ignore[arg-type]
    (lambda: asyncio.run(ChatMemoryStore(MEMORY, "u").add(" ")), "content must not be blank, got 1 blank characters"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as raised:
        call()
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda storage: storage.write("k", "text"),
            "data must be bytes, got text of 4 characters: encode a text with data.encode()",
        ),
        (lambda storage: storage.write("k", 5), "data must be bytes, got 5: encode a text with data.encode()"),
        (lambda storage: storage.list(5), "query must be text, got 5"),
        (lambda storage: storage.namespace(None), "prefix must be text, got None"),
    ],
)
def test_a_storage_fails_as_strands_says(call: Callable[[Any], Any], message: str) -> None:
    async def run() -> None:
        await call(StateStorage(DATABASE))

    with pytest.raises(StorageError) as raised:
        asyncio.run(run())
    assert str(raised.value) == message
    assert isinstance(raised.value.__cause__, InputError)
