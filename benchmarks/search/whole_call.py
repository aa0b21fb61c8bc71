"""The whole call, by the clock: through boto3, the Data API's endpoint and back, both schemas by turns."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.search.candidates import HYBRID, OURS, SOURCE, asked
from benchmarks.search.data import K, Question, recall
from benchmarks.search.measure import WARM_UP, Questions, over_rounds
from benchmarks.search.server import MEMORY, Server
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from stchat.chat.vectors import to_text
from stchat.data_api import DataApi

SOURCES = f"""
SELECT primarykey, theme, chatid, metadata, chat_summary FROM {MEMORY} WHERE userid = :userid {{theme}}
ORDER BY chat_vector <-> :vector::vector LIMIT {K}"""


def whole_calls(
    server: Server, rows: int, questions: Questions, rounds: int, names: Sequence[str] = (SOURCE, OURS)
) -> dict[str, Any]:
    """By candidate and group; `ratio` is ours to the original schema's, of each round's 95th percentile."""
    ours = replace(server.app, database=f"ours_{rows}")
    known = {SOURCE: replace(server.master, database=f"source_{rows}"), OURS: ours, HYBRID: ours}
    sides = {name: known[name] for name in names}
    result: dict[str, Any] = defaultdict(dict)
    for (group, themed), put in questions.items():
        times: dict[str, list[list[float]]] = {side: [] for side in sides}
        recalls: dict[str, list[float]] = {side: [] for side in sides}
        for number in range(rounds):
            for side in sides:
                times[side].append([])
            for question in (*(put[:WARM_UP] if number == 0 else ()), *put):
                for side, api in sides.items():
                    began = time.perf_counter()
                    found = _ask(side, api, question)
                    times[side][-1].append((time.perf_counter() - began) * 1000)
                    recalls[side].append(recall(question, found))
        what = "one theme" if themed else "all"
        for side in sides:
            result[side].setdefault(group, {})[what] = {
                "recall": round(statistics.fmean(recalls[side]), 4),
                "p50": round(over_rounds(times[side], 0.5), 2),
                "p95": round(over_rounds(times[side], 0.95), 2),
            }
    return result


def _ask(side: str, api: DataApi, question: Question) -> list[int]:
    vector = question.vector.tolist()
    if side != SOURCE:
        memory, text = ChatMemory(api, CohereEmbedder()), asked(question) if side == HYBRID else None
        return [one.primarykey for one in memory.recall_vector(question.userid, vector, K, question.theme, text=text)]
    values = {"userid": question.userid, "vector": to_text(vector)}
    sql = SOURCES.format(theme="AND theme = :theme" if question.theme else "")
    themed = {"theme": question.theme} if question.theme else {}
    return [row["primarykey"] for row in api.execute(sql, values | themed, idempotent=True).rows]
