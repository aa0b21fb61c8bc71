"""A model of LangChain's as one of ours, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.embeddings import Embeddings

from stchat.chat import DIMENSIONS, Embedded, Embedder, Vector, normalised


@dataclass(frozen=True)
class FromLangChain:
    """An Embedder. It has retries and a timeout of its own."""

    embeddings: Embeddings

    @property
    def model(self) -> str:
        """What the object calls its model, as LangChain's classes do in one of these attributes, or its class."""
        names = [getattr(self.embeddings, name, None) for name in ("model_id", "model_name", "model")]
        return next((name for name in names if isinstance(name, str) and name), type(self.embeddings).__qualname__)

    @property
    def dimensions(self) -> int:
        """What the table has: vectors of another dimension are refused when they come."""
        return DIMENSIONS

    def documents(self, texts: Sequence[str]) -> Embedded:
        return Embedded([normalised(vector) for vector in self.embeddings.embed_documents([*texts])], [])

    def query(self, text: str) -> Vector:
        return normalised(self.embeddings.embed_query(text))

    def with_timeout(self, seconds: float) -> FromLangChain:  # noqa: ARG002 (Embedder's)
        return self


@dataclass(frozen=True)
class ToLangChain(Embeddings):
    embedder: Embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embedder.documents(texts).vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embedder.query(text)
