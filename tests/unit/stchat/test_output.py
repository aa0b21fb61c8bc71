"""What a terminal shows: users' characters, encodings, times, widths."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from stchat.chat import ChatHistory, Theme
from stchat.ops.cli import main as cli
from stchat.ops.cli.output import Answer, printable, table, wrapped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("abc\u202edcba", r"abc\u202edcba"),
        ("\u2066x\u2069\u200f\ufeff", r"\u2066x\u2069\u200f\ufeff"),
        ("a\rb\x9bc\u2028d", r"a\rb\x9bc\u2028d"),
        ("\U000e0041", r"\U000e0041"),
        ("京都 🌏 👩\u200d💻 é", "京都 🌏 👩\u200d💻 é"),
    ],
)
def test_control_and_bidi_characters_are_shown_not_sent(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert table([{"text": text}]).splitlines()[1] == shown


def test_a_cell_is_one_line_and_a_moment_has_its_zone() -> None:
    tokyo = datetime(2026, 11, 26, 9, tzinfo=timezone(timedelta(hours=9)))
    rows = [{"a": "x\ny", "m": {"k": "\u202e"}, "t": tokyo, "n": None}]
    assert table(rows).splitlines()[1:] == [r'x\ny  {"k": "\u202e"}  2026-11-26 00:00:00 UTC']


def test_users_texts_in_chat_history(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    theme = "\x1b[2J\u202e犬"
    there = SimpleNamespace(themes=lambda _: [theme_named(theme)])
    monkeypatch.setattr(ChatHistory, "from_env", lambda: there)
    assert cli.main(["chat", "themes", "u"]) == 0
    assert r"\x1b[2J\u202e犬" in capsys.readouterr().out
    assert cli.main(["chat", "themes", "u", "--json"]) == 0
    assert "\\u001b[2J\u202e犬" in capsys.readouterr().out


def theme_named(name: str) -> Theme:
    return Theme(name, 1, datetime(2026, 11, 26, tzinfo=UTC))


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_an_ascii_terminal(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    there = SimpleNamespace(themes=lambda _: [theme_named("犬🌏")])
    monkeypatch.setattr(ChatHistory, "from_env", lambda: there)
    assert cli.main(["chat", "themes", "u", *words]) == 0
    screen.flush()
    shown = screen.buffer.getvalue().decode()
    assert (r"\u72ac\ud83c\udf0f" if words else r"\u72ac\U0001f30f") in shown


def test_an_unexpected_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise KeyError("x")

    monkeypatch.setattr(ChatHistory, "from_env", fails)
    assert cli.main(["chat", "themes", "u"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: KeyError 'x', at ") and line.endswith(
        "this is a bug of stchat, please report the line"
    )


def test_numbers_are_aligned_and_text_is_wrapped() -> None:
    assert table([{"n": "1.00", "t": "a"}, {"n": "10.00", "t": "b"}], right=["n"]).splitlines()[1] == " 1.00  a"
    assert max(map(len, wrapped("word " * 40, "    ", "  why: ").splitlines())) <= 80
    assert wrapped("aws " + "x " * 60, first="  hint: ").startswith("  hint: aws x")
    assert Answer([]).to_text() == "(none)"
