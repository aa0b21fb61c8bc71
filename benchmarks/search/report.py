"""The document, from the numbers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.search import plots
from benchmarks.search.acceptance import judged
from benchmarks.search.candidates import OURS, SOURCE
from benchmarks.search.growth_report import growth
from benchmarks.search.tables import ALL_GROUPS, percentiles, table, with_worst
from benchmarks.search.words_report import words

MIB = 2**20

HEAD = """# Searching one user's memories: measured

Written by `make bench` (`python -m benchmarks.search`) from [{name}.json]({name}.json); do not edit. On
{processors} processors ({machine}): PostgreSQL 16 with pgvector on the local Data API,
vectors of 1,024 dimensions, always the same ones (benchmarks/search/data.py). {questions} questions for each group,
with a theme and without, in {rounds} rounds in which the candidates take turns; percentiles are medians of the rounds.

Users: **small** ones have 5 to 50 memories, **medium** 350 to 700, **large** 3,000 to 8,000, each about one topic for
25 memories; **narrow** ones speak of 20 topics alone, up to 200 memories each, almost equally near. Milliseconds are
the server process's time on a processor, since the machine has other work: the JSON has those by the clock too. Ratios
carry over to other machines, milliseconds do not. Recall is the share of the true 10 nearest; in brackets, of the
worst question.

*{ours}*: `st_chat_recall` as `st_chat_app`, under row security. *{source}*: its schema and settings, HNSW alone.
Why it is as it is: [decisions/0400](decisions/0400-binary-codes.md), [0420](decisions/0420-learned-codes.md).

Made at different times:

{times}

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
        HEAD.format(name=out.name, ours=OURS, source=SOURCE, times=_times_made(results), **about),
        "## Acceptance criteria\n",
        table(("criterion", "where", "measured", "reached"), judged(results)),
    ]
    parts += _real(results.get("real", {}))
    parts += words(results.get("words", {}))
    for count in sorted(sizes, key=int, reverse=True):
        parts += _size(int(count), sizes[count])
    parts += growth(results)
    out.with_suffix(".md").write_text("\n".join(parts))


PARTS = {
    "real": "Real vectors", "words": "By words", "growth alone": "Growth",
    "rows": "10,000 and 100,000 rows, beside the original schema",
    "growth": "Growth beside the original schema; and what the criteria say of 1,000,000 rows beside it",
}  # fmt: skip


def _times_made(results: dict[str, Any]) -> str:
    known = results.get("made", {})
    return "\n".join(f"- {title}: {known[part]}" for part, title in PARTS.items() if part in known)


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
                (size, *(f"{with_worst(one | {'short': 0})}; {percentiles(one)}" for one in of.values()))
                for size, of in searched.items()
            )),
            f"Learned and coded anew in {learned['seconds']} s for 26,600 memories; slack {learned['slack']} bits."
            f" Bytes a row of the index: {index[names[0]][0]} of signs, {index[names[1]][0]} as written and"
            f" {index[names[1]][1]} when coded anew and packed. COPY without the global HNSW index, rows a second"
            " of the server's processor: "
            + "; ".join(f"{name} {rate:,}" for name, rate in result["copy"].items())
            + " (its words too, two for each of these memories).\n",
        ]  # fmt: skip
    return parts


def _size(count: int, result: dict[str, Any]) -> list[str]:
    searched, calls, hard = result["searched"], result["whole calls"], result["worst case"]
    names = ("candidate", *ALL_GROUPS)
    parts = [f"## {count:,} rows\n"]
    for what, of in (("all", "All of a user's memories"), ("one theme", "Of one theme")):
        recalls = [
            (name, *(with_worst(groups[group][what]) for group in ALL_GROUPS)) for name, groups in searched.items()
        ]
        times = [
            (name, *(percentiles(groups[group][what]) for group in ALL_GROUPS)) for name, groups in searched.items()
        ]
        parts += [f"{of}: recall@10 (the worst question's), and how many questions came back short.\n"]
        parts += [table(names, recalls), f"{of}: p50 / p95, ms.\n", table(names, times)]
    parts += [
        "The call by the clock, ms: boto3, the Data API's endpoint and back; ours is `ChatMemory.recall_vector`.\n",
        table(names, (
            (name, *(percentiles(of[group]["all"], 1) for group in ALL_GROUPS)) for name, of in calls.items()
        )),
        "Ours in the worst case: recall@10 (the worst) and p95, ms. Statistics: when a user had 100 memories.\n",
        table(names, (
            (name, *(f"{with_worst(groups[group]['all'])}, {groups[group]['all']['p95']:.1f}" for group in ALL_GROUPS))
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
