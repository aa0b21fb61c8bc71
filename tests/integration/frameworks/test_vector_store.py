"""LangChain's own suite for vector stores, and what it does not ask."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.indexing import InMemoryRecordManager, index
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from stchat.chat import ChatMemory, CohereEmbedder
from stchat.errors import InputError
from stchat.langchain import DataApiVectorStore
from tests.support.faults import Watched, watched
from tests.support.migrated_database import MigratedDatabase


@pytest.fixture
def documents(migrated: MigratedDatabase, embedder: CohereEmbedder, user: str) -> DataApiVectorStore:
    return DataApiVectorStore(ChatMemory(migrated.app, embedder), user)


@pytest.mark.anyio
class TestDataApiVectorStore(VectorStoreIntegrationTests):
    """24 tests. With the suite's own model: its vectors say nothing of a text, so search by words must not decide."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def vectorstore(self, migrated: MigratedDatabase, embedder: CohereEmbedder) -> Iterator[VectorStore]:
        store = DataApiVectorStore(
            ChatMemory(migrated.app, embedder),
            f"suite {uuid.uuid4().hex}",
            embedding=DeterministicFakeEmbedding(size=1024),
            mode="semantic",
        )
        yield store
        store.delete()


def test_by_meaning_words_and_filter(documents: DataApiVectorStore) -> None:
    documents.add_texts(
        ["likes lentil soup with lemon", "京都で金閣寺を見たい", "order AB-1234 goes to Osaka"],
        [{"year": 2024}, {"year": 2025}, {"year": 2026}],
        ids=["soup", "kyoto", "order"],
    )
    assert [one.id for one in documents.similarity_search("ab-1234", k=1)] == ["order"]
    assert [one.id for one in documents.similarity_search("金閣寺", k=3, mode="lexical")] == ["kyoto"]
    found = documents.similarity_search_with_score("soup", k=3, filter={"year": {"$gte": 2025}})
    assert {one.id for one, _ in found} == {"kyoto", "order"}
    assert found[0][1] >= found[1][1]
    scored = documents.similarity_search_with_relevance_scores("soup", score_threshold=0.5)
    assert [one.id for one, _ in scored] == ["soup"]
    vector = documents.embeddings.embed_query("soup")
    [(document, cosine)] = documents.similarity_search_with_score_by_vector(vector, k=1)
    assert (document.id, 0 < cosine <= 1) == ("soup", True)
    retriever = documents.as_retriever(search_type="mmr", search_kwargs={"k": 2})
    assert len(retriever.invoke("soup")) == 2


@pytest.mark.parametrize("lambda_mult", [0.0, 0.3, 1.0])
def test_maximal_marginal_relevance_is_langchains(documents: DataApiVectorStore, lambda_mult: float) -> None:
    dishes = ("lentil soup", "onion soup", "rice")
    texts = [f"{dish} with {seasoning}" for dish in dishes for seasoning in ("lemon", "lemons", "salt")]
    documents.add_texts(texts, ids=[*map(str, range(9))])
    model = documents.embeddings
    query, vectors = model.embed_query("a soup"), model.embed_documents(texts)
    near = [int(one.id or "") for one in documents.similarity_search("a soup", k=6, mode="semantic")]
    expected = maximal_marginal_relevance(np.array(query), [vectors[place] for place in near], lambda_mult, k=4)
    found = documents.max_marginal_relevance_search("a soup", 4, 6, lambda_mult, mode="semantic")
    assert [int(one.id or "") for one in found] == [near[place] for place in expected]
    by_vector = asyncio.run(documents.amax_marginal_relevance_search_by_vector(query, 4, 6, lambda_mult))
    assert by_vector == found


def test_a_theme_has_its_ids_alone(documents: DataApiVectorStore, user: str) -> None:
    memory = documents.memory
    notes = DataApiVectorStore(memory, user, "notes")
    for store in (documents, notes):
        assert store.add_documents([Document(page_content=store.theme, metadata={"n": 1}, id="1")]) == ["1"]
    assert [one.page_content for one in documents.get_by_ids(["1", "2"])] == ["documents"]
    # A document without an id is one, however often it comes.
    [made] = notes.add_texts(["the same"])
    assert (notes.add_texts(["the same"]), len(notes.similarity_search("the same", k=10))) == ([made], 2)
    # What something else stored in the theme is found, read and deleted; what it stored elsewhere is not.
    memory.remember(user, "notes", 7, "from the application")
    [application] = notes.similarity_search("from the application", k=1)
    memory.remember(user, "notes", 8, "by another id", id="x")
    memory.remember(user, "elsewhere", 8, "stays", id="stays")
    assert [one.page_content for one in notes.get_by_ids([application.id or "", "..x", "..stays"])] == [
        "from the application", "by another id",
    ]  # fmt: skip
    assert notes.delete([application.id or "", "..x", "..stays", "1"])
    assert [one.page_content for one in notes.similarity_search("any", k=10)] == ["the same"]
    assert notes.delete()
    assert notes.similarity_search("any") == []
    assert [one.theme for one in memory.get(user, ["stays"])] == ["elsewhere"]
    assert len(documents.get_by_ids(["1"])) == 1


def test_an_index_keeps_what_has_not_changed(documents: DataApiVectorStore) -> None:
    records = InMemoryRecordManager("documents")
    records.create_schema()

    def indexed(*texts: str) -> tuple[int, int, int]:
        pages = [Document(page_content=text, metadata={"source": "guide"}) for text in texts]
        done = index(pages, records, documents, cleanup="full", key_encoder="sha256")
        return done["num_added"], done["num_skipped"], done["num_deleted"]

    assert indexed("soup", "rice") == (2, 0, 0)
    assert indexed("soup", "tea") == (1, 1, 1)
    assert {one.page_content for one in documents.similarity_search("soup", k=9)} == {"soup", "tea"}


def test_calls(migrated: MigratedDatabase, embedder: CohereEmbedder, user: str) -> None:
    data, bedrock = Watched(migrated.app.client), Watched(embedder.client)
    memory = ChatMemory(watched(migrated.app, data), CohereEmbedder(bedrock))  # type: ignore[arg-type]
    store = DataApiVectorStore.from_texts(["a", "b"], DeterministicFakeEmbedding(size=1024), memory=memory, userid=user)
    store = DataApiVectorStore(memory, user)
    operations: list[tuple[Callable[[], object], tuple[int, int]]] = [
        (lambda: store.add_texts(["soup", "rice"], ids=["1", "2"]), (1, 1)),
        (lambda: store.similarity_search("soup"), (1, 1)),
        (lambda: store.get_by_ids(["1", "2"]), (1, 0)),
        (lambda: store.max_marginal_relevance_search("soup"), (2, 1)),
        (lambda: store.delete(["1", "2"]), (1, 0)),
        (lambda: store.delete(), (1, 0)),
    ]
    for operation, calls in operations:
        data.calls.clear()
        bedrock.calls.clear()
        assert operation()
        assert (len(data.calls), len(bedrock.calls)) == calls


def test_what_cannot_be_is_named(documents: DataApiVectorStore, user: str) -> None:
    for theme in ("a..b", ".a", "a."):
        with pytest.raises(InputError, match=r'theme must have no ".." and no "." at either end'):
            DataApiVectorStore(documents.memory, user, theme)
    with pytest.raises(InputError, match=r'ids must not begin with "..", got text of 3 characters'):
        documents.add_texts(["a"], ids=["..a"])
    with pytest.raises(InputError, match=r"documents\[1\].page_content must not be blank"):
        documents.add_texts(["a", " "])
    with pytest.raises(InputError, match=r"ids must be as many as the documents, 2, got 1"):
        documents.add_documents([Document(page_content="a"), Document(page_content="b")], ids=["1"])
    with pytest.raises(InputError, match=r"vector must have 1,024 dimensions, got 3"):
        DataApiVectorStore(documents.memory, user, embedding=DeterministicFakeEmbedding(size=3)).add_texts(["a"])
