"""LangChain's VectorStore over the memories of one user and theme."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from stchat.chat import ChatMemory, Memory, Mode, normalised, to_text, validation
from stchat.data_api import Backoff
from stchat.errors import InputError
from stchat.langchain.arguments import DIVERSE, RECALL, Diverse, only
from stchat.langchain.ids import checked, made, named, parts
from stchat.langchain.in_threads import InThreads
from stchat.langchain.models import FromLangChain, ToLangChain

_DIVERSE = """
SELECT memory
FROM st_chat_memories_diverse(:userid, :memories::jsonb, :vector::vector, :k::int, :lambda::float8, :model)"""


class DataApiVectorStore(InThreads):
    """Documents are the memories of a theme: the text is the summary. Each operation is one call of the database, and
    one of the model where a text is embedded; `max_marginal_relevance_search` is one more of the database.

    A document's id is of this user and theme: others may have the same. One without is named by its text and metadata,
    so that adding it again changes nothing. A memory that something else stored in the theme is found too, by the id
    ".." and its own.

    Search takes, besides LangChain's arguments, those of `ChatMemory.recall`: `filter`, `since`, `until`, `half_life`,
    `recency`, and `mode` instead of this store's.

    Args:
        theme: 1 to 970 bytes, without "..", and no "." at either end.
        embedding: the model, instead of that of `memory`: of 1,024 dimensions. Search compares one model's vectors.
        mode: "hybrid" by meaning and by words, or "semantic", or "lexical".
        threads: where async calls run; by default those of `stchat.aio`.
    """

    def __init__(
        self,
        memory: ChatMemory,
        userid: str,
        theme: str = "documents",
        *,
        embedding: Embeddings | None = None,
        mode: Mode = "hybrid",
        threads: Executor | None = None,
    ) -> None:
        self.memory = memory if embedding is None else replace(memory, embedder=FromLangChain(embedding))
        self.userid = validation.name("userid", userid)
        self.theme = validation.name("theme", theme)
        if ".." in theme or theme != theme.strip("."):
            raise InputError("theme", 'have no ".." and no "." at either end', validation.describe(theme))
        self.mode = mode
        self.threads = threads
        self._embeddings = embedding

    @classmethod
    def from_env(
        cls, userid: str, theme: str = "documents", environment: Mapping[str, str] = os.environ, **options: Any
    ) -> DataApiVectorStore:
        """As `ChatMemory.from_env`; `options` are the arguments of this class."""
        return cls(ChatMemory.from_env(environment), userid, theme, **options)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> DataApiVectorStore:
        """`kwargs`: `memory`, which is from the environment unless given, and this class's arguments."""
        only(kwargs, "memory", "userid", "theme", "mode", "threads")
        if "userid" not in kwargs:
            raise InputError("userid", "be given", "none", 'name whose documents they are: userid="hana"')
        memory = kwargs.pop("memory", None) or ChatMemory.from_env()
        store = cls(memory, embedding=embedding, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    @property
    def embeddings(self) -> Embeddings:
        return self._embeddings or ToLangChain(self.memory.embedder)

    def add_documents(self, documents: Sequence[Document], **kwargs: Any) -> list[str]:
        """A document whose id is there is replaced. In batches of 96; an error says how many are stored.

        Args:
            kwargs: `ids`, before those that the documents have, and `expires_at`, of all of them. `batch_size`, which
                LangChain's indexing gives, has no effect.
        """
        only(kwargs, "ids", "expires_at", "batch_size")
        given = kwargs.get("ids") or [document.id for document in documents]
        if len(given) != len(documents):
            raise InputError("ids", f"be as many as the documents, {len(documents)}", str(len(given)))
        ids = [made(one) if name is None else named(name) for name, one in zip(given, documents, strict=True)]
        items = [
            {
                "userid": self.userid,
                "theme": self.theme,
                "chatid": 0,
                "id": self._inside(name),
                "summary": one.page_content,
                "metadata": one.metadata,
                "expires_at": kwargs.get("expires_at"),
            }
            for name, one in zip(ids, documents, strict=True)
        ]
        try:
            self.memory.remember_many(items)
        except InputError as error:
            field = error.field.replace("items[", "documents[").replace(".summary", ".page_content")
            raise error.renamed(field) from None
        return ids

    def delete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> bool:
        """None: all of the theme. True, also where there were none."""
        only(kwargs, "ids")
        if ids is None:
            self.memory.delete(self.userid, self.theme)
            return True
        names = checked(ids)
        others = self._get([self._inside(name) for name in names if name.startswith("..")])
        elsewhere = {one.id for one in others if one.theme != self.theme}
        for some in parts([name for name in map(self._inside, names) if name not in elsewhere]):
            self.memory.forget(self.userid, some)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        return [self._document(one) for one in self._get([*map(self._inside, checked(ids))]) if one.theme == self.theme]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> list[tuple[Document, float]]:
        """With `Memory.score`: the larger the better."""
        only(kwargs, *RECALL, "mode")
        found = self.memory.recall(self.userid, query, k, self.theme, **{"mode": self.mode} | kwargs)
        return [(self._document(one), one.score or 0.0) for one in found]

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score_by_vector(embedding, k, **kwargs)]

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """With the cosine. `text`: what the vector is of, to search by its words too."""
        only(kwargs, *RECALL, "text")
        found = self.memory.recall_vector(self.userid, embedding, k, self.theme, **kwargs)
        return [(self._document(one), one.score or 0.0) for one in found]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int | None = None, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Of the `fetch_k` best, k that are near the query and not near each other.

        Args:
            fetch_k: k to 100. None: 20, or k where that is more.
            lambda_mult: 0, as unlike each other as can be, to 1, as near the query.
        """
        only(kwargs, *DIVERSE, "mode")
        diverse = Diverse.of(k, fetch_k, lambda_mult)
        backoff = Backoff(self.memory.api.timeout)
        vector = self.memory.embedder.with_timeout(backoff.left).query(validation.non_blank("query", query))
        hybrid = kwargs.pop("mode", self.mode) != "semantic"
        return self._diverse(vector, diverse, {"text": query} | kwargs if hybrid else kwargs)

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int | None = None, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        only(kwargs, *DIVERSE, "text")
        return self._diverse(embedding, Diverse.of(k, fetch_k, lambda_mult), kwargs)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda score: min(1.0, max(0.0, score))

    def _diverse(self, vector: Sequence[float], diverse: Diverse, options: Mapping[str, Any]) -> list[Document]:
        best = self.memory.recall_vector(self.userid, vector, diverse.fetch_k, self.theme, **options)
        found = {one.primarykey: one for one in best}
        parameters = {
            "userid": self.userid,
            "memories": json.dumps([*found]),
            "vector": to_text(normalised(vector)),
            "k": diverse.k,
            "lambda": diverse.lambda_mult,
            "model": self.memory.embedder.model,
        }
        rows = self.memory.api.execute(_DIVERSE, parameters, idempotent=True).rows
        return [self._document(found[row["memory"]]) for row in rows]

    def _get(self, names: Sequence[str]) -> list[Memory]:
        return [one for some in parts(names) for one in self.memory.get(self.userid, some)]

    def _inside(self, name: str) -> str:
        """The memory's id."""
        return name[2:] if name.startswith("..") else f"{self.theme}..{name}"

    def _document(self, memory: Memory) -> Document:
        prefix = f"{self.theme}.."
        name = memory.id[len(prefix) :] if memory.id.startswith(prefix) else f"..{memory.id}"
        return Document(id=name, page_content=memory.summary, metadata=memory.metadata or {})
