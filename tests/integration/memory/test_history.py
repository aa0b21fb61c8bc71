"""Turns: written once, read newest first, page by page, whatever they hold and however long they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stchat.chat.history import ChatHistory
from stchat.errors import ConflictError, InputError
from tests.support.faults import Watched, data_api, watched
from tests.support.migrated_database import DATABASE, MigratedDatabase

LONG = 100_000
TEXTS = {
    "emoji": "\U0001f469\u200d\U0001f4bb👍🏽🇯🇵" * 3,
    "right to left": "مرحبا \u202eعالم\u202c שלום",
    "japanese": "こんにちは、世界。\u3000ｶﾅ か\u3099",
    "control": "\x01\t\r\n\x7f\u2028\ufeff",
    "quotes": "\"'`$$ \\ :name %s {} ?",
    "empty": "",
    "long emoji": "😀" * LONG,
    "long ascii": "x" * (LONG - 1) + "y",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_come_back_as_they_were(history: ChatHistory, user: str, text: str) -> None:
    assert history.add(user, "t", 0, text, None)
    assert history.add(user, "t", 2**63 - 1, "short", text)
    newest, oldest = history.turns(user)
    assert (oldest.chatid, oldest.userinput, oldest.botresponse) == (0, text, None)
    assert (newest.chatid, newest.userinput, newest.botresponse) == (2**63 - 1, "short", text)
    assert oldest.theme == "t"
    assert datetime.now(UTC) - oldest.timestamp < timedelta(minutes=1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_as_every_name(history: ChatHistory, user: str, text: str) -> None:
    """Each example's theme ends in its own way, so that none meets another's."""
    theme = f"{text[:80]}|{hash(text)}"
    history.add(user + text[:80], theme, 1, text, text)
    [turn] = history.turns(user + text[:80], theme)
    assert (turn.theme, turn.userinput, turn.botresponse) == (theme, text, text)


def test_a_turn_is_one_however_often_it_is_added(history: ChatHistory, user: str) -> None:
    assert history.add(user, "t", 1, "hello", None)
    assert not history.add(user, "t", 1, "hello", None)
    for other in (("hello", ""), (None, None), ("Hello", None)):
        with pytest.raises(ConflictError) as raised:
            history.add(user, "t", 1, *other)
    assert str(raised.value) == (
        "chatid 1 of this user and theme holds another turn, which is unchanged: give the new turn a chatid of its own"
    )
    assert history.add(user, "another", 1, "hello", None)
    assert [turn.userinput for turn in history.turns(user)] == ["hello", "hello"]


def test_pages(history: ChatHistory, user: str) -> None:
    """By theme or all; a turn that is written while someone pages comes into no page of his."""
    for number in range(7):
        history.add(user, "even" if number % 2 == 0 else "odd", number, f"turn {number}", None)
    first = history.turns(user, limit=3)
    history.add(user, "odd", 99, "late", None)
    second = history.turns(user, limit=3, before=first[-1].primarykey)
    third = history.turns(user, limit=3, before=second[-1].primarykey)
    assert [turn.chatid for turn in first + second + third] == [6, 5, 4, 3, 2, 1, 0]
    assert [turn.chatid for turn in history.turns(user, "even", limit=2, before=first[0].primarykey)] == [4, 2]
    assert history.turns(user, before=third[-1].primarykey) == []


def test_themes_and_delete(history: ChatHistory, user: str) -> None:
    for theme, count in (("旅", 3), ("仕事", 1)):
        for number in range(count):
            history.add(user, theme, number, "x", "y")
    latest, before = history.themes(user)
    assert (latest.theme, latest.turns, before.theme, before.turns) == ("仕事", 1, "旅", 3)
    assert latest.latest == history.turns(user)[0].timestamp
    assert history.delete(user, "旅") == 3
    assert history.delete(user, "旅") == 0
    assert [theme.theme for theme in history.themes(user)] == ["仕事"]
    assert history.delete(user) == 1
    assert (history.themes(user), history.turns(user)) == ([], [])


def test_more_than_the_data_api_answers_at_once(history: ChatHistory, user: str) -> None:
    """9 turns of 0.4 MB among short ones: halves of the page, until each fits."""
    for number in range(30):
        history.add(
            user, "t", number, "あ" * LONG if number % 3 == 0 else "short", "x" * (LONG if number % 3 == 0 else 1)
        )
    client = Watched(data_api(history.api).client)
    turns = ChatHistory(watched(data_api(history.api), client)).turns(user, limit=28)
    assert [turn.chatid for turn in turns] == list(range(29, 1, -1))
    assert {len(turn.userinput or "") for turn in turns if turn.chatid % 3 == 0} == {LONG}
    assert {turn.userinput for turn in turns if turn.chatid % 3} == {"short"}
    assert len(client.calls) < 20
    assert [turn.chatid for turn in history.turns(user, limit=1000)] == list(range(29, -1, -1))


def test_the_longest_turn(history: ChatHistory, user: str) -> None:
    longest = "😀" * 100_000
    history.add(user, "t", 1, longest, longest)
    [turn] = history.turns(user)
    assert turn.userinput == turn.botresponse == longest
    with pytest.raises(InputError, match="botresponse must have at most 400,000 bytes of UTF-8, got 400,001"):
        history.add(user, "t", 2, longest, longest + "x")


def test_a_turn_of_over_1_mib_that_came_another_way(
    migrated: MigratedDatabase, history: ChatHistory, user: str
) -> None:
    with migrated.endpoint.psql(DATABASE) as superuser:
        superuser.execute(
            "INSERT INTO st_chat_history_table (userid, themename, chatid, userinput, botresponse)"
            " VALUES (%s, 't', 1, repeat('x', 900000), repeat('あ', 300000))",
            [user],
        )
    history.add(user, "t", 2, "short", None)
    short, long = history.turns(user, limit=2)
    assert (short.userinput, long.userinput, long.botresponse) == ("short", "x" * 900_000, "あ" * 300_000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "t", 1, "x", "y"), "userid must not be empty, got ''"),
        (("u", "t\0", 1, "x", "y"), "theme must not hold NUL"),
        (("u", "t", -1, "x", "y"), "chatid must be an integer from 0 to 9223372036854775807, got -1"),
        (("u", "t", 1, "x\0", "y"), "userinput must not hold NUL, which PostgreSQL cannot store, got one at"),
        (("u", "t", 1, "x", "\udc00"), "botresponse must be text that UTF-8 can hold"),
    ],
)  # fmt: skip
def test_what_is_not_sent(history: ChatHistory, arguments: tuple[str, str, int, str, str], message: str) -> None:
    client = Watched(data_api(history.api).client)
    with pytest.raises(InputError) as raised:
        ChatHistory(watched(data_api(history.api), client)).add(*arguments)
    assert str(raised.value).startswith(message)
    assert client.calls == []


@pytest.mark.parametrize(("limit", "before"), [(0, None), (1001, None), (True, None), (1, -1), (1, 2**63)])
def test_no_page(history: ChatHistory, limit: int, before: int | None) -> None:
    with pytest.raises(InputError, match=r"^(limit|before) must be an integer from"):
        history.turns("u", limit=limit, before=before)
