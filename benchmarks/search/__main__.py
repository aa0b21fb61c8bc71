"""How one user's nearest memories are found: candidates compared on the same memories, in one run.

    python -m benchmarks.search [--rows 10000 100000 1000000] [--questions 60] [--rounds 3] [--out docs/search]
    python -m benchmarks.search --growth 100000 1000000     # ours and the original schema's alone, added to the numbers
    python -m benchmarks.search --growth-alone 100000 1000000   # ours alone, by words too: without an hour of HNSW
    python -m benchmarks.search --real                      # a model's vectors alone, added to the numbers
    python -m benchmarks.search.words --texts DIRECTORY     # what words find and cost, added to the numbers
    python -m benchmarks.search --report                    # the document anew from the numbers there are

Starts a PostgreSQL and a Data API of its own, of which nothing is left. Writes <out>.json with all that was measured,
and from it the document and the plots. Times are the server process's own time on a
processor, so that what else the machine does is not in them; the second table is the whole call by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.search import real, report
from benchmarks.search.candidates import BY_WORDS_TOO, OURS, SOURCE, Candidate, candidates
from benchmarks.search.data import GROUPS, Dataset
from benchmarks.search.measure import Answers, Key, Questions, one_round
from benchmarks.search.server import DATABASE, OLD, Server, build, made, say, server
from benchmarks.search.whole_call import whole_calls
from benchmarks.search.writing import sizes, writing

Result = dict[str, Any]


def grouped(answers: dict[Key, Answers]) -> Result:
    """By candidate, group and whether a theme is asked for."""
    result: Result = defaultdict(lambda: defaultdict(dict))
    for (candidate, group, themed), one in answers.items():
        result[candidate][group]["one theme" if themed else "all"] = one.summary()
    return result


def asked_of(dataset: Dataset, questions: int) -> Questions:
    return {
        (group, themed): dataset.questions(group, questions, themed=themed)
        for group in (*GROUPS, "narrow")
        for themed in (False, True)
    }


def growth(
    server: Server, directory: Path, rows: list[int], questions: int, rounds: int, compared: list[Candidate]
) -> dict[str, Result]:
    """Those candidates alone, at all those sizes by turns.

    Each question is asked before it is measured: a new session's first touch of each page of PostgreSQL's cache costs a
    page fault, and of more rows more pages are new, which says nothing of a session that lives.
    """
    alone = SOURCE not in [one.name for one in compared]
    asked: dict[int, Questions] = {}
    results: dict[str, Result] = {}
    for count in rows:
        say(f"{count:,} rows: building")
        dataset = Dataset(count, directory)
        asked[count] = asked_of(dataset, questions)
        built = {OURS: build(server, dataset, f"ours_{count}", hnsw=False)}
        server.run(f"ours_{count}", "VACUUM ANALYZE")
        if not alone:
            built[SOURCE] = build(server, dataset, f"source_{count}", to=OLD, hnsw=True)
            server.run(f"source_{count}", "VACUUM ANALYZE")
        results[str(count)] = {"built": built, "questions": questions}
    answers: dict[int, dict[Key, Answers]] = {count: defaultdict(Answers) for count in rows}
    for number in range(rounds):
        for count in rows:
            for candidate in compared:
                say(f"{count:,} rows: round {number + 1}, {candidate.name}")
                database = f"{candidate.database}_{count}"
                one_round(server, database, candidate, asked[count], answers[count], warm_up=questions)
    for count in rows:
        say(f"{count:,} rows: whole calls")
        result = results[str(count)]
        result["searched"] = grouped(answers[count])
        result["whole calls"] = whole_calls(server, count, asked[count], rounds, [one.name for one in compared])
        result["sizes"] = sizes(server, count, alone=alone)
    return results


def measure(server: Server, directory: Path, rows: list[int], questions: int, rounds: int) -> dict[str, Result]:
    results: dict[str, Result] = {str(count): {} for count in rows}
    datasets = {count: Dataset(count, directory) for count in rows}
    asked = {count: asked_of(dataset, questions) for count, dataset in datasets.items()}
    for count, dataset in datasets.items():
        say(f"{count:,} rows: building")
        result = results[str(count)]
        result["built"] = {
            OURS: build(server, dataset, f"ours_{count}", hnsw=False),
            SOURCE: build(server, dataset, f"source_{count}", to=OLD, hnsw=True),
        }
        [ours] = [one for one in candidates(count) if one.name == OURS]
        result["worst case"] = {}
        for name, settings in {"stale statistics, nothing vacuumed": (), "the same, generic plans": GENERIC}.items():
            fresh: dict[Key, Answers] = defaultdict(Answers)
            one_round(server, f"ours_{count}", ours, asked[count], fresh, settings)
            result["worst case"][name] = grouped(fresh)[OURS]
        for database in (f"ours_{count}", f"source_{count}"):
            server.run(database, "VACUUM ANALYZE")
        for candidate in candidates(count):
            server.run(f"{candidate.database}_{count}", *candidate.once)
    answers: dict[int, dict[Key, Answers]] = {count: defaultdict(Answers) for count in rows}
    for number in range(rounds):
        for turn in range(len(candidates(min(rows)))):
            for count in rows:
                if turn < len(found := candidates(count)):
                    say(f"{count:,} rows: round {number + 1}, {found[turn].name}")
                    database = f"{found[turn].database}_{count}"
                    one_round(server, database, found[turn], asked[count], answers[count])
    for count, dataset in datasets.items():
        result = results[str(count)]
        result["searched"] = grouped(answers[count])
        say(f"{count:,} rows: whole calls, writing, sizes, the old table brought up to date")
        result["whole calls"] = whole_calls(server, count, asked[count], rounds)
        result["sizes"] = sizes(server, count)
        result["writing"] = writing(server, count, dataset)
        server.rename(f"source_{count}", DATABASE)
        result["migrated"] = server.migrate() + server.learn_codes()
        server.rename(DATABASE, f"source_{count}")
        server.run(f"source_{count}", "VACUUM ANALYZE")
        [ours] = [one for one in candidates(count) if one.name == OURS]
        old: dict[Key, Answers] = defaultdict(Answers)
        one_round(server, f"source_{count}", ours, asked[count], old)
        result["worst case"]["rows of a table made the old way"] = grouped(old)[OURS]
    return results


GENERIC = ("SET plan_cache_mode = force_generic_plan",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes_known = (10_000, 100_000, 1_000_000)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], choices=sizes_known)
    parser.add_argument("--questions", type=int, default=60, help="of each group, with a theme and without")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("docs/search"))
    parser.add_argument("--growth", type=int, nargs="+", choices=sizes_known)
    parser.add_argument("--growth-alone", type=int, nargs="+", help="how many rows: any numbers from 10,000 on")
    parser.add_argument("--real", action="store_true", help="a model's vectors alone, added to the numbers")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    file = arguments.out.with_suffix(".json")
    if rows := sorted(arguments.growth or arguments.growth_alone or []):
        results = json.loads(file.read_text())
        known = {one.name: one for one in candidates(min(rows))}
        compared = [known[OURS], known[SOURCE] if arguments.growth else BY_WORDS_TOO]
        with server() as (started, directory):
            found = growth(started, directory, rows, arguments.questions, arguments.rounds, compared)
        part = "growth" if arguments.growth else "growth alone"
        results |= {part: found, "made": results.get("made", {}) | {part: made()}}
        file.write_text(json.dumps(results, indent=1) + "\n")
    elif arguments.real:
        results = json.loads(file.read_text())
        with server() as (started, _):
            found = real.measure(started, arguments.rounds)
        results |= {"real": found, "made": results.get("made", {}) | {"real": made()}}
        file.write_text(json.dumps(results, indent=1) + "\n")
    elif not arguments.report:
        began = time.monotonic()
        with server() as (started, directory):
            sizes = measure(started, directory, sorted(arguments.rows), arguments.questions, arguments.rounds)
            of_a_model = real.measure(started, arguments.rounds)
        about = {
            "made": datetime.now(UTC).date().isoformat(),
            "seconds": round(time.monotonic() - began),
            "processors": os.cpu_count(),
            "machine": platform.machine(),
            "questions": arguments.questions,
            "rounds": arguments.rounds,
        }
        kept = json.loads(file.read_text()) if file.exists() else {}
        kept |= {"about": about, "real": of_a_model, "rows": sizes}
        kept["made"] = kept.get("made", {}) | {"rows": made(), "real": made()}
        file.write_text(json.dumps(kept, indent=1) + "\n")
    report.write(json.loads(file.read_text()), arguments.out)


if __name__ == "__main__":
    main()
