"""Vectors without a model, to check a deployment that has none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from stchat.chat import DIMENSIONS, Embedded, Vector, normalised
from stchat.environment import EMBEDDING_MODEL


@dataclass(frozen=True)
class StandInEmbedder:
    """An Embedder without a model: equal texts have equal vectors, others have nothing in common."""

    model: str = EMBEDDING_MODEL  # what a deployment without a setting asks for; smoke deletes what it writes
    dimensions: int = DIMENSIONS

    def documents(self, texts: Sequence[str]) -> Embedded:
        return Embedded([self.query(text) for text in texts], [])

    def query(self, text: str) -> Vector:
        chance = random.Random(text)
        return normalised([chance.gauss(0, 1) for _ in range(DIMENSIONS)])

    def with_timeout(self, seconds: float) -> StandInEmbedder:  # noqa: ARG002 (it makes no call)
        return self
