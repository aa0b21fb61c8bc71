"""Vectors that a test can calculate with."""

from __future__ import annotations


def axis(number: int, lean: float = 0.0) -> list[float]:
    """A vector along one of the dimensions, or leaning towards the next: its cosine to that one then falls."""
    vector = [0.0] * 1024
    vector[number], vector[number + 1] = 1.0, lean
    return vector
