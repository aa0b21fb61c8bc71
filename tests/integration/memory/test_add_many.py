"""Many turns in one call: their times and order, those that exist, those of another text."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from stchat.chat.history import Added, ChatHistory
from stchat.errors import InputError, PartialError
from tests.support.faults import FAULTS, Faulty, Watched, data_api, watched

TOKYO = timezone(timedelta(hours=9))


def turn(user: str, chatid: int, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"userid": user, "theme": "t", "chatid": chatid, "userinput": text, **more}


def test_turns_keep_their_times_and_their_order(history: ChatHistory, user: str) -> None:
    old = datetime(2024, 5, 1, 9, 30, tzinfo=TOKYO)
    turns = [
        turn(user, 7, timestamp=old, botresponse="hi"),
        turn(user, 3, timestamp="2024-05-02T00:00:00Z") | {"theme": "another"},
        turn(user, 5),
    ]
    assert history.add_many(turns) == Added(created=3)
    newest, middle, oldest = history.turns(user)
    assert [newest.chatid, middle.chatid, oldest.chatid] == [5, 3, 7]
    assert (oldest.timestamp, oldest.userinput, oldest.botresponse) == (old, "hello", "hi")
    assert middle.timestamp == datetime(2024, 5, 2, tzinfo=UTC)
    assert datetime.now(UTC) - newest.timestamp < timedelta(minutes=1)


def test_what_exists_stays_as_it_is(history: ChatHistory, user: str) -> None:
    old = datetime(2024, 5, 1, tzinfo=UTC)
    history.add_many([turn(user, 1, timestamp=old)])
    again = [turn(user, 1), turn(user, 2, "new"), turn(user, 1, "another text"), turn(user, 2, "new")]
    assert history.add_many(again) == Added(created=1, existing=2, conflicts=[2])
    assert [(turn.userinput, turn.chatid) for turn in history.turns(user)] == [("new", 2), ("hello", 1)]
    assert history.turns(user)[1].timestamp == old


def test_users_of_one_call_do_not_meet(history: ChatHistory, user: str) -> None:
    users = [f"{user} {number}" for number in range(3)]
    assert history.add_many(turn(users[number % 3], number) for number in range(30)).created == 30
    assert [len(history.turns(one)) for one in users] == [10, 10, 10]


def test_a_batch_is_one_call(history: ChatHistory, user: str) -> None:
    data = Watched(data_api(history.api).client)
    many = ChatHistory(watched(data_api(history.api), data))
    assert many.add_many(turn(user, number) for number in range(1_000)).created == 1_000
    assert data.calls == ["execute_statement"]
    assert many.add_many(turn(user, number) for number in range(1_001)).existing == 1_000
    assert len(data.calls) == 3
    assert many.add_many([]) == Added()


def test_callers_whose_turns_overlap_in_another_order_do_not_block_each_other(history: ChatHistory, user: str) -> None:
    turns = [turn(f"{user} {number % 7}", number) for number in range(400)]
    done: list[Added] = []
    orders = (turns, turns[::-1], turns[200:] + turns[:200])
    threads = [threading.Thread(target=lambda order=order: done.append(history.add_many(order))) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.created for one in done) == 400
    assert sum(one.existing for one in done) == 800


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"timestamp": datetime(2024, 5, 1)}, "turns[1].timestamp must have a zone, got a time without one"),  # noqa: DTZ001
        ({"timestamp": "yesterday"}, "turns[1].timestamp must be a time in ISO 8601, got text of 9 characters"),
        ({"chatid": -1}, f"turns[1].chatid must be an integer from 0 to {2**63 - 1}, got -1"),
        ({"themename": "t"}, "turns[1] must have no fields but userid, theme, chatid, userinput, botresponse, timest"),
    ],
)
def test_a_wrong_turn_is_named_and_nothing_is_sent(
    history: ChatHistory, user: str, more: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError) as raised:
        history.add_many([turn(user, 0), turn(user, 1) | more])
    assert str(raised.value).startswith(expected)
    assert history.turns(user) == []


def test_a_failure_half_way_says_what_is_stored(history: ChatHistory, user: str) -> None:
    turns = [turn(user, number) for number in range(1_500)]
    faulty: Any = Faulty(data_api(history.api).client, 1, FAULTS["5xx or no answer"])
    with pytest.raises(PartialError) as raised:
        ChatHistory(replace(data_api(history.api), client=faulty, timeout=0)).add_many(turns)
    assert (raised.value.stored, raised.value.created, raised.value.existing) == (1_000, 1_000, 0)
    assert history.add_many(turns) == Added(created=500, existing=1_000)
