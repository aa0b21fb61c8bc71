"""How a command answers: as a table or text for people, as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unicodedata import category, combining, east_asian_width

WIDTH = 80  # columns of a terminal
_JOINERS = "\u200c\u200d"  # part of words in some scripts, and of emoji


@dataclass(frozen=True)
class Answer:
    """`text` replaces the table where a table is not enough; `code` is the exit code.

    `data` replaces the rows in JSON, where an answer is more than rows.
    """

    rows: Sequence[dict[str, Any]]
    text: str | None = None
    code: int = 0
    data: dict[str, Any] | None = None

    def to_json(self, *, ascii_only: bool = False) -> str:
        data = self.rows if self.data is None else self.data
        return json.dumps(data, indent=2, default=str, ensure_ascii=ascii_only)

    def to_text(self) -> str:
        return table(self.rows) if self.text is None else self.text


def table(rows: Sequence[dict[str, Any]], right: Sequence[str] = ()) -> str:
    """`right`: the columns that are aligned to the right, as numbers are."""
    if not rows:
        return "(none)"
    names = list(rows[0])
    cells = [names, *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(names))]
    return "\n".join(
        "  ".join(
            _padded(cell, width, to_the_right=name in right)
            for name, cell, width in zip(names, row, widths, strict=True)
        ).rstrip()
        for row in cells
    )


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """A table of Markdown."""
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    """At most WIDTH columns a line; `first`: what the first line begins with. A command stays in one line."""
    begin = indent if first is None else first
    if text.startswith("aws "):
        return begin + text
    return textwrap.fill(
        text, WIDTH, initial_indent=begin, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def moment(value: datetime) -> str:
    """With its zone, which is UTC for all that AWS and PostgreSQL return here."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def printable(text: str, keep: str = "\n") -> str:
    """Control and format characters (escape sequences, bidirectional overrides) as Python writes them.

    A user's text could otherwise change what an operator's terminal shows.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character in keep or _is_plain(character) else _escape(character) for character in text)


def _is_plain(character: str) -> bool:
    return category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in _JOINERS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _width(text: str) -> int:
    """In columns of a terminal, where a Japanese character takes two and a combining one none."""
    return sum(1 + (east_asian_width(character) in "WF") for character in text if not combining(character))


def _padded(text: str, width: int, *, to_the_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_the_right else text + blanks


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    return moment(value) if isinstance(value, datetime) else printable(str(value), keep="")
