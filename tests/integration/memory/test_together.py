"""400 conversations from 32 callers at once: nothing lost, nothing doubled, whatever is throttled or cut off."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory, Remembered
from stchat.data_api import Database
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

CONVERSATIONS, CALLERS, USERS = 400, 32, 40


@pytest.fixture
def app(migrated: MigratedDatabase) -> Database:
    """With faults of the local Data API."""
    return migrated.app


def test_conversations_of_many_callers(
    migrated: MigratedDatabase, history: ChatHistory, memory: ChatMemory, user: str
) -> None:
    """Of two turns and two memories each; every tenth is sent by two callers."""
    work = [*range(CONVERSATIONS), *range(0, CONVERSATIONS, 10)]
    random.Random(1).shuffle(work)
    for kind, count in (("throttle", 24), ("error_before", 8), ("error_after", 16), ("drop_after", 8)):
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_", count=count)

    def hold(number: int) -> tuple[list[bool], Remembered]:
        userid, theme = f"{user} {number % USERS}", f"conversation {number}"
        written = [history.add(userid, theme, turn, f"input {number}", f"response {turn}") for turn in range(2)]
        memories = [
            {
                "userid": userid,
                "theme": theme,
                "chatid": turn,
                "summary": f"{number} {turn}",
                "vector": axis(number % 999),
            }
            for turn in range(2)
        ]
        return written, memory.remember_many(memories)

    with ThreadPoolExecutor(CALLERS) as pool:
        results = list(pool.map(hold, work))
    turns: Counter[tuple[str, int, str | None]] = Counter()
    found: Counter[tuple[str, int, str]] = Counter()
    for number in range(USERS):
        mine = history.turns(f"{user} {number}", limit=1000)
        turns.update((turn.theme, turn.chatid, turn.userinput) for turn in mine)
        assert [turn.primarykey for turn in mine] == sorted((turn.primarykey for turn in mine), reverse=True)
        near = memory.recall_vector(f"{user} {number}", axis(number), k=100)
        found.update((one.theme, one.chatid, one.summary) for one in near)
    every = [(number, turn) for number in range(CONVERSATIONS) for turn in range(2)]
    assert turns == Counter((f"conversation {number}", turn, f"input {number}") for number, turn in every)
    assert found == Counter((f"conversation {number}", turn, f"{number} {turn}") for number, turn in every)
    # Each is reported as created once at most: after a lost response it already exists.
    assert 0.9 * len(every) < sum(sum(written) for written, _ in results) <= len(every)
    assert 0.9 * len(every) < sum(remembered.created for _, remembered in results) <= len(every)
    assert all(remembered.created + remembered.existing == 2 for _, remembered in results)
