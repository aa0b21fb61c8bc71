"""Arguments that LangChain names, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stchat.chat import MOST_MEMORIES, validation
from stchat.errors import InputError

RECALL = ("k", "filter", "metadata", "since", "until", "half_life", "recency")
DIVERSE = (*RECALL, "fetch_k", "lambda_mult")
BEST = 20  # of which a search by maximal marginal relevance chooses


@dataclass(frozen=True, slots=True)
class Diverse:
    """What a search by maximal marginal relevance is asked for."""

    k: int
    fetch_k: int
    lambda_mult: float

    @classmethod
    def of(cls, k: int, fetch_k: int | None, lambda_mult: float) -> Diverse:
        """`fetch_k`: None is BEST, or k where that is more."""
        validation.integer("k", k, 1, MOST_MEMORIES)
        best = max(k, BEST) if fetch_k is None else validation.integer("fetch_k", fetch_k, k, MOST_MEMORIES)
        return cls(k, best, validation.share("lambda_mult", lambda_mult))


def only(options: Mapping[str, Any], *names: str) -> None:
    if others := [name for name in options if name not in names]:
        raise InputError("arguments", f"be among {', '.join(names)}", ", ".join(others)[:64])
