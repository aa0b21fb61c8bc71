"""Deletes what has expired, in steps: each is one call of the Data API. It may be stopped and begun again at any point.

No reader or writer waits. A row that another transaction has locked at that moment stays, for the next write of its
user or the next sweep (docs/decisions/0430).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stchat.data_api import DataApi

ROWS = 1_000  # a step
STATES = 50  # a step: threads, each with all of its checkpoints, and as many states

_EXPIRED = "SELECT turns, memories FROM st_chat_expired()"
_STATES = "SELECT st_chat_sweep_states(:rows::int) AS states"
_STEP = "SELECT after, turns, memories FROM st_chat_sweep(:start::text, :rows::int)"


@dataclass(frozen=True)
class Expired:
    """How many rows have expired, and are not deleted yet."""

    turns: int
    memories: int


@dataclass
class Sweep:
    """How many rows are deleted, of `due` at the beginning; `longest`: of the steps, in seconds."""

    due: Expired
    turns: int = 0
    memories: int = 0
    states: int = 0
    """Threads of agents, and values of their storage."""
    longest: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        done, due = self.turns + self.memories, self.due.turns + self.due.memories
        share, rate = min(1.0, done / max(due, 1)), done / max(time.monotonic() - self.started, 0.001)
        return f"{share:4.0%}  {self.turns:,} turns  {self.memories:,} memories  {rate:,.0f} rows/s"


def expired(api: DataApi) -> Expired:
    [row] = api.execute(_EXPIRED, idempotent=True).rows
    return Expired(**row)


def sweep(api: DataApi, report: Callable[[Sweep], None] = lambda _: None) -> Sweep:
    """Of every user of the database. `report` is called after each step."""
    progress = Sweep(expired(api))
    start: str | None = ""
    while start is not None:
        begun = time.monotonic()
        [step] = api.execute(_STEP, {"start": start, "rows": ROWS}, idempotent=True).rows
        progress.longest = max(progress.longest, time.monotonic() - begun)
        start = step["after"]
        progress.turns += step["turns"]
        progress.memories += step["memories"]
        report(progress)
    while states := api.execute(_STATES, {"rows": STATES}, idempotent=True).rows[0]["states"]:
        progress.states += states
        report(progress)
    return progress
