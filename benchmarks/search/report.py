"""The document, from the numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.search import plots
from benchmarks.search.acceptance import judged
from benchmarks.search.candidates import OURS, SOURCE
from benchmarks.search.data import GROUPS
from benchmarks.search.words_report import words

ALL_GROUPS = (*GROUPS, "narrow")
MIB = 2**20

HEAD = """# Searching one user's memories: measured

Written by `make bench` (`python -m benchmarks.search`) from [{name}.json]({name}.json); do not edit. Made {made} on
{processors} processors ({machine}) in {minutes} minutes: PostgreSQL 16 with pgvector on the local Data API,
vectors of 1,024 dimensions, always the same ones (benchmarks/search/data.py). {questions} questions for each group,
with a theme and without, in {rounds} rounds in which the candidates take turns; percentiles are medians of the rounds.

Users: **small** ones have 5 to 50 memories, **medium** 350 to 700, **large** 3,000 to 8,000, each about one topic for
25 memories; **narrow** ones speak of 20 topics alone, up to 200 memories each, almost equally near. Milliseconds are
the server process's time on a processor, since the machine has other work: the JSON has those by the clock too. Ratios
carry over to other machines, milliseconds do not. Recall is the share of the true 10 nearest; in brackets, of the
worst question.

*{ours}*: `st_chat_recall` as `st_chat_app`, under row security. *{source}*: its schema and settings, HNSW alone.
Why it is as it is: [decisions/0400](decisions/0400-binary-codes.md), [0420](decisions/0420-learned-codes.md).
A run made before 2026-11-26 measured the codes of 0400; 0420 has what was measured of the learned codes on a model's
vectors.

![Recall against latency]({name}-recall.svg)

![Latency against rows]({name}-rows.svg)
"""


def write(results: dict[str, Any], out: Path) -> None:
    """`out`: the document's path without its ending, which the plots' names begin with."""
    about, sizes = results["about"], results["rows"]
    most = max(sizes, key=int)
    plots.recall_against_latency(sizes[most], int(most), out.with_name(f"{out.name}-recall.svg"))
    plots.latency_against_rows(results, out.with_name(f"{out.name}-rows.svg"))
    parts = [
        HEAD.format(name=out.name, ours=OURS, source=SOURCE, minutes=round(about["seconds"] / 60), **about),
        "## Acceptance criteria\n",
        table(("criterion", "where", "measured", "reached"), judged(results)),
    ]
    parts += _real(results.get("real", {}))
    parts += words(results.get("words", {}))
    for count in sorted(sizes, key=int, reverse=True):
        parts += _size(int(count), sizes[count])
    parts += _growth(results.get("growth", {}))
    out.with_suffix(".md").write_text("\n".join(parts))


def _real(layouts: dict[str, Any]) -> list[str]:
    """What a model's vectors give."""
    if not layouts:
        return []
    parts = [
        "## Real vectors\n",
        "Texts in Japanese and English, embedded by multilingual-e5-small (benchmarks/search/real.py). They lie far"
        " from zero together, as a model's do (their mean has length 0.90): signs say little of them, codes that are"
        " learned from them do. One user for each number of memories, 60 questions: recall@10 (the worst);"
        " p50 / p95, ms.\n",
    ]
    for layout, result in layouts.items():
        searched = result["searched"]
        names = list(next(iter(searched.values())))
        learned, index = result["learned"], result["index"]
        parts += [
            f"1,024 numbers, {layout}:\n",
            table(("memories", *names), (
                (size, *(f"{_recall(one | {'short': 0})}; {_times(one)}" for one in of.values()))
                for size, of in searched.items()
            )),
            f"Learned and coded anew in {learned['seconds']} s for 26,600 memories; slack {learned['slack']} bits."
            f" Bytes a row of the index: {index[names[0]][0]} of signs, {index[names[1]][0]} as written and"
            f" {index[names[1]][1]} when coded anew and packed. COPY, rows a second: {result['copy'][names[0]]:,} and"
            f" {result['copy'][names[1]]:,}.\n",
        ]  # fmt: skip
    return parts


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _size(count: int, result: dict[str, Any]) -> list[str]:
    searched, calls, hard = result["searched"], result["whole calls"], result["worst case"]
    names = ("candidate", *ALL_GROUPS)
    parts = [f"## {count:,} rows\n"]
    for what, of in (("all", "All of a user's memories"), ("one theme", "Of one theme")):
        recalls = [(name, *(_recall(groups[group][what]) for group in ALL_GROUPS)) for name, groups in searched.items()]
        times = [(name, *(_times(groups[group][what]) for group in ALL_GROUPS)) for name, groups in searched.items()]
        parts += [f"{of}: recall@10 (the worst question's), and how many questions came back short.\n"]
        parts += [table(names, recalls), f"{of}: p50 / p95, ms.\n", table(names, times)]
    parts += [
        "The call by the clock, ms: boto3, the Data API's endpoint and back; ours is `ChatMemory.recall_vector`.\n",
        table(names, [(name, *(_times(of[group]["all"], 1) for group in ALL_GROUPS)) for name, of in calls.items()]),
        "Ours in the worst case: recall@10 (the worst) and p95, ms. Statistics: when a user had 100 memories.\n",
        table(names, (
            (name, *(f"{_recall(groups[group]['all'])}, {groups[group]['all']['p95']:.1f}" for group in ALL_GROUPS))
            for name, groups in hard.items()
        )),
    ]  # fmt: skip
    return parts + _cost(result)


def _cost(result: dict[str, Any]) -> list[str]:
    sizes, writing, built = result["sizes"], result["writing"], result["built"]
    copy = writing["COPY, no global HNSW index"]
    rows = [(name, f"{rate:,}", f"{rate / copy:.2f}") for name, rate in writing.items()]
    hnsw = 1000 / writing["COPY, the original schema's table"]
    return [
        "Writing, by the clock.\n",
        table(("way", "rows a second", "of COPY into the same table without HNSW"), rows),
        f"A row of the original schema's table takes {hnsw:.1f} ms to write, most of it for the HNSW index; without it"
        f" and with ours, {1000 / copy:.2f} ms. Building HNSW anew took {built[SOURCE]['hnsw']:.0f} s; bringing the"
        f" original schema's table up to date, {result['migrated']:.1f} s for all its migrations.\n",
        table(
            ("what must stay cached", "MiB"),
            [
                ("HNSW global HNSW index", f"{sizes['hnsw'] / MIB:,.1f}"),
                ("ours: the index that recall reads", f"{sizes['search'] / MIB:,.1f}"),
                ("ours: the codes' table and keys, for writing", f"{(sizes['codes'] + sizes['keys']) / MIB:,.1f}"),
                ("the memories, the original schema's way", f"{sizes['memories, source'] / MIB:,.1f}"),
                ("the memories, vectors in their rows", f"{sizes['memories'] / MIB:,.1f}"),
            ],
        ),
    ]


def _growth(sizes: dict[str, Any]) -> list[str]:
    if not sizes:
        return []
    ordered = sorted(sizes, key=int)
    questions = sizes[ordered[0]]["questions"]
    parts = [
        "## Growth\n",
        f"In one run of its own, {questions} questions of each group, each asked once before it is measured:"
        " recall@10 (the worst); p50 / p95, ms.\n",
        table(("candidate, rows", *ALL_GROUPS), (
            (
                f"{name}, {int(count):,}",
                *(f"{_recall(one)}; {_times(one)}" for one in (
                    sizes[count]["searched"][name][group]["all"] for group in ALL_GROUPS
                )),
            )
            for name in (OURS, SOURCE) for count in ordered
        )),
        "The call by the clock, ms.\n",
        table(("candidate, rows", *ALL_GROUPS), (
            (
                f"{name}, {int(count):,}",
                *(_times(sizes[count]["whole calls"][name][group]["all"], 1) for group in ALL_GROUPS),
            )
            for name in (OURS, SOURCE) for count in ordered
        )),
    ]  # fmt: skip
    for count in ordered:
        built = sizes[count]["built"]
        parts.append(
            f"{int(count):,} rows: COPY into ours took {built[OURS]['copy']:.0f} s, into the original schema's table"
            f" {built[SOURCE]['copy']:.0f} s and {built[SOURCE]['hnsw']:.0f} s to build its index.\n"
        )
    return parts


def _recall(one: dict[str, float]) -> str:
    short = f", {one['short']:.0%} short" if one["short"] else ""
    return f"{one['recall']:.3f} ({one['worst']:.1f}{short})"


def _times(one: dict[str, float], digits: int = 2) -> str:
    return f"{one['p50']:.{digits}f} / {one['p95']:.{digits}f}"
