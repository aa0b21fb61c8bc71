"""The two plots of the document, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.search.candidates import OURS, SOURCE
from benchmarks.search.data import GROUPS

MARKS = {"small": "o", "medium": "s", "large": "^"}
COLOURS = {OURS: "#0b6e4f", SOURCE: "#b3261e"}
OTHERS = ["#4c78a8", "#9467bd", "#8c8c8c", "#e0a030", "#17a2b8"]
mpl.rcParams |= {"svg.hashsalt": "st-chat", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}


def recall_against_latency(result: dict[str, Any], rows: int, file: Path) -> None:
    """A panel for each group; one theme's questions are hollow."""
    figure, panels = plt.subplots(1, 4, figsize=(10, 3.8), sharey=True)
    others = iter(OTHERS)
    for name, groups in result["searched"].items():
        colour = COLOURS.get(name) or next(others)
        for axes, group in zip(panels, (*GROUPS, "narrow"), strict=True):
            for what, fill in (("one theme", "none"), ("all", colour)):
                one = groups[group][what]
                size, front = (110, 4) if name == OURS else (45, 3)
                axes.scatter(one["p95"], one["recall"], size, facecolors=fill, edgecolors=colour, zorder=front)
        panels[0].scatter([], [], 45, color=colour, label=name)
    for axes, group in zip(panels, (*GROUPS, "narrow"), strict=True):
        axes.axhline(0.99, color="#999", linestyle=":", linewidth=1)
        axes.set_title(f"{group} users", fontsize=10)
        _logarithmic(axes.set_xscale, axes.xaxis)
        axes.grid(color="#eee")
    panels[0].set_ylabel("recall@10")
    title = f"Recall against latency at {rows:,} rows: p95 in ms of processor time (log); hollow: of one theme"
    figure.suptitle(title, fontsize=11)
    figure.legend(
        *panels[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4, frameon=False
    )
    _save(figure, file)


def latency_against_rows(results: dict[str, Any], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.4))
    everything = results.get("growth", {}) | results["rows"]
    for name in (OURS, SOURCE):
        sizes = {int(count): result["searched"][name] for count, result in everything.items()}
        for group in GROUPS:
            points = [(rows, sizes[rows][group]["all"]["p95"]) for rows in sorted(sizes)]
            axes.plot(*zip(*points, strict=True), MARKS[group] + "-", color=COLOURS[name], label=f"{name}, {group}")
    _logarithmic(axes.set_xscale, axes.xaxis)
    _logarithmic(axes.set_yscale, axes.yaxis)
    axes.grid(color="#eee")
    axes.set_xlabel("rows of all users (log)")
    axes.set_ylabel("p95, ms of processor time (log)")
    axes.set_title("Latency against rows")
    axes.legend(fontsize=8)
    _save(figure, file)


def _logarithmic(scale: Callable[[str], None], axis: Any) -> None:
    """With numbers a person reads: 0.5, 20, 100,000."""
    scale("log")
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}"))
    axis.set_minor_formatter(NullFormatter())


def _save(figure: Any, file: Path) -> None:
    figure.set_layout_engine("constrained")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
