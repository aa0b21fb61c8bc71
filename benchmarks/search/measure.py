"""Questions put to the candidates, by turns, so that what else the machine does meets them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.search.candidates import Candidate, teach, values
from benchmarks.search.data import Question, recall
from benchmarks.search.server import Server

Key = tuple[str, str, bool]  # candidate, group, themed
Questions = dict[tuple[str, bool], list[Question]]
Clock = Callable[[], float]
WARM_UP = 5


@dataclass
class Answers:
    """`processor` and `wall`: milliseconds, of each round; `recalls`: of each question, the worst of the rounds'."""

    processor: list[list[float]] = field(default_factory=list)
    wall: list[list[float]] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    short: int = 0

    def summary(self) -> dict[str, float]:
        """The percentiles are medians over the rounds."""
        return {
            "recall": round(statistics.fmean(self.recalls), 4),
            "worst": round(min(self.recalls), 2),
            "short": round(self.short / len(self.recalls), 3),
            "p50": round(over_rounds(self.processor, 0.5), 3),
            "p95": round(over_rounds(self.processor, 0.95), 3),
            "wall p50": round(over_rounds(self.wall, 0.5), 3),
            "wall p95": round(over_rounds(self.wall, 0.95), 3),
        }


def over_rounds(rounds: Sequence[Sequence[float]], share: float) -> float:
    return statistics.median(sorted(times)[min(len(times) - 1, int(share * len(times)))] for times in rounds)


def processor(pid: int) -> Clock:
    """The seconds that a process has had a processor: what else the machine did meanwhile is not in it."""
    file = Path(f"/proc/{pid}/schedstat")
    return lambda: int(file.read_text().split()[0]) / 1e9


def put(answers: Answers, questions: Iterable[Question], ask: Callable[[Question], list[int]], clock: Clock) -> None:
    """One round of questions, one after the other."""
    answers.processor.append([])
    answers.wall.append([])
    for question in questions:
        wall, began = time.perf_counter(), clock()
        found = ask(question)
        answers.processor[-1].append((clock() - began) * 1000)
        answers.wall[-1].append((time.perf_counter() - wall) * 1000)
        answers.recalls.append(recall(question, found))
        answers.short += len(found) < len(question.nearest)


def one_round(
    server: Server, database: str, candidate: Candidate, questions: Questions, answers: dict[Key, Answers],
    settings: Sequence[str] = (), warm_up: int = WARM_UP,
) -> None:  # fmt: skip
    """All questions to one candidate, in a session of its own; so many of each group are asked before, unmeasured."""
    server.run(database, *candidate.before)
    with server.connect(database, candidate.role) as connection:
        connection.prepare_threshold = None  # each question is planned anew, as each call of the Data API is
        teach(connection)
        connection.execute("SELECT '[1]'::vector")  # loads the library, whose settings come with it
        for setting in (*candidate.settings, *settings):
            connection.execute(setting.encode())
        clock = processor(connection.info.backend_pid)
        for (group, themed), asked in questions.items():
            statement = candidate.ask(themed).encode()

            def ask(question: Question, statement: bytes = statement) -> list[int]:
                return [row[0] for row in connection.execute(statement, values(question), binary=True).fetchall()]

            for question in asked[:warm_up]:
                ask(question)
            put(answers[candidate.name, group, themed], asked, ask, clock)
    server.run(database, *candidate.after)
