"""The acceptance criteria of ours, checked on what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.search import real
from benchmarks.search.candidates import HYBRID, OURS, SOURCE
from benchmarks.search.data import GROUPS

Row = tuple[str, str, str, str]  # criterion, where, measured, reached
WHAT = ("all", "one theme")
RIGHT = 0.99


def judged(results: dict[str, Any]) -> list[Row]:
    grown = {count: result for count, result in results.get("growth", {}).items() if count not in results["rows"]}
    sizes = results["rows"] | grown
    of_sizes = [row for count, result in sizes.items() for row in _of_size(int(count), result)]
    return [*real.criteria(results.get("real", {})), *of_sizes, *_growth(results)]


def _of_size(count: int, result: dict[str, Any]) -> Iterator[Row]:
    ours = result["searched"][OURS]
    found = [ours[group][what] for group in GROUPS for what in WHAT]
    where = f"{count:,} rows"
    least, worst = min(one["recall"] for one in found), min(one["worst"] for one in found)
    yield "recall@10 at least 0.99 in each group", where, f"{least:.3f}", _yes_or_no(least >= RIGHT)
    yield "no question under 0.5", where, f"{worst:.2f}", _yes_or_no(worst >= 0.5)
    short = max(one["short"] for one in found)
    yield "never fewer rows than there are", where, f"{short:.0%} short", _yes_or_no(short == 0)
    for kind, of in (("search", result["searched"]), ("whole call", result["whole calls"])):
        for group in GROUPS:
            mine, theirs = of[OURS][group]["all"], of[SOURCE][group]["all"]
            limit = 1.0 if theirs["recall"] >= RIGHT else 1.5
            ratio = mine["p95"] / theirs["p95"]
            bar = f"p95 of a {kind} at most {limit:g}x the original schema's (its recall: {theirs['recall']:.2f})"
            yield bar, f"{where}, {group}", f"{ratio:.2f}x", _yes_or_no(ratio <= limit)


def _growth(results: dict[str, Any]) -> list[Row]:
    sizes = results.get("growth alone") or results.get("growth", {})
    if len(sizes) < 2:
        return []
    least, most = sorted(sizes, key=int)[:: len(sizes) - 1]
    rows: list[Row] = []
    for name in (OURS, HYBRID):
        if name in sizes[most]["searched"]:
            few, many = (sizes[count]["searched"][name] for count in (least, most))
            for group in GROUPS:
                ratio = many[group]["all"]["p95"] / few[group]["all"]["p95"]
                where = f"{int(least):,} to {int(most):,} rows, {group}"
                rows.append((f"p95 of {name} grows to at most 1.5x", where, f"{ratio:.2f}x", _yes_or_no(ratio <= 1.5)))
    return rows


def _yes_or_no(reached: bool) -> str:
    return "yes" if reached else "**no**"
