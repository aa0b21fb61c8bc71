"""More rows of more users, in the document: from the numbers alone."""

from __future__ import annotations

from typing import Any

from benchmarks.search.candidates import OURS, SOURCE
from benchmarks.search.tables import ALL_GROUPS, percentiles, table, with_worst

ASKED = (
    "{questions} questions of each group, each asked once before it is measured: recall@10 (the worst); p50 / p95, ms."
)
ALONE = """In one run of its own, without the global HNSW index, which recall does not use and which would take most of
the time: each memory with its code and its words. *By words too*: hybrid, asked in words of the nearest memory; its
recall is the share of the nearest vectors, which it does not look for alone.
"""


def growth(results: dict[str, Any]) -> list[str]:
    parts: list[str] = []
    for title, sizes, head in (
        ("Growth", results.get("growth alone", {}), ALONE),
        ("Growth beside the original schema", results.get("growth", {}), "In one run of its own, "),
    ):
        if sizes:
            parts += [f"## {title}\n", *_grown(sizes, head)]
    return parts


def _grown(sizes: dict[str, Any], head: str) -> list[str]:
    ordered = sorted(sizes, key=int)
    first = sizes[ordered[0]]
    lines = [(name, count) for name in first["searched"] for count in ordered]
    return [
        head + ASKED.format(questions=first["questions"]) + "\n",
        table(("candidate, rows", *ALL_GROUPS), (
            (f"{name}, {int(count):,}", *(
                f"{with_worst(one)}; {percentiles(one)}"
                for one in (sizes[count]["searched"][name][group]["all"] for group in ALL_GROUPS)
            ))
            for name, count in lines
        )),
        "The call by the clock, ms.\n",
        table(("candidate, rows", *ALL_GROUPS), (
            (f"{name}, {int(count):,}", *(
                percentiles(sizes[count]["whole calls"][name][group]["all"], 1) for group in ALL_GROUPS
            ))
            for name, count in lines
        )),
        *(_built(int(count), sizes[count]) for count in ordered),
    ]  # fmt: skip


def _built(count: int, result: dict[str, Any]) -> str:
    built, sizes = result["built"], result["sizes"]
    said = f"{count:,} rows: COPY into ours took {built[OURS]['copy']:.0f} s"
    if SOURCE in built:
        said += (
            f", into the original schema's table {built[SOURCE]['copy']:.0f} s and {built[SOURCE]['hnsw']:.0f} s"
            " to build its index"
        )
    if "words" in sizes:
        said += (
            f"; to learn the codes and code anew, {built[OURS]['codes']:.0f} s. Bytes a row: the index of the codes"
            f" {sizes['search'] / count:.0f}, the words' table and index {sizes['words'] / count:.0f}"
        )
    return said + ".\n"
