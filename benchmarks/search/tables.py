"""Tables of the document, and numbers in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.search.data import GROUPS

ALL_GROUPS = (*GROUPS, "narrow")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def with_worst(one: dict[str, float]) -> str:
    short = f", {one['short']:.0%} short" if one["short"] else ""
    return f"{one['recall']:.3f} ({one['worst']:.1f}{short})"


def percentiles(one: dict[str, float], digits: int = 2) -> str:
    return f"{one['p50']:.{digits}f} / {one['p95']:.{digits}f}"
