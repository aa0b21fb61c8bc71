"""The two plots of the document, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

from benchmarks.search.candidates import OURS, SOURCE
from benchmarks.search.data import GROUPS

MARKS = {"small": "o", "medium": "s", "large": "^"}
COLOURS = {OURS: "#0b6e4f", SOURCE: "#b3261e"}
OTHERS = ["#4c78a8", "#9467bd", "#8c8c8c", "#e0a030", "#17a2b8"]
mpl.rcParams |= {"svg.hashsalt": "st-chat", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}


def recall_against_latency(result: dict[str, Any], rows: int, file: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.4))
    others = iter(OTHERS)
    for name, groups in result["searched"].items():
        colour = COLOURS.get(name) or next(others)
        points = [(groups[group]["all"]["p95"], groups[group]["all"]["recall"]) for group in GROUPS]
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=2 if name == OURS else 0.8, label=name, zorder=2)
        for group, (latency, recall) in zip(GROUPS, points, strict=True):
            axes.plot(latency, recall, MARKS[group], color=colour, markersize=7, zorder=3)
    axes.axhline(0.99, color="#999", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("p95 of a search, ms of processor time (log); o small, □ medium, △ large users")
    axes.set_ylabel("recall@10")
    axes.set_title(f"Recall against latency, {rows:,} rows")
    axes.legend(fontsize=8, loc="lower left")
    _save(figure, file)


def latency_against_rows(results: dict[str, Any], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.4))
    grown = {OURS: results.get("growth", {}), SOURCE: {}}
    for name, more in grown.items():
        sizes = {int(count): result["searched"][name] for count, result in results["rows"].items()}
        sizes |= {int(count): result for count, result in more.items() if int(count) not in sizes}
        for group in GROUPS:
            points = [(rows, sizes[rows][group]["all"]["p95"]) for rows in sorted(sizes)]
            axes.plot(*zip(*points, strict=True), MARKS[group] + "-", color=COLOURS[name], label=f"{name}, {group}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rows of all users (log)")
    axes.set_ylabel("p95, ms of processor time (log)")
    axes.set_title("Latency against rows")
    axes.legend(fontsize=8)
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
