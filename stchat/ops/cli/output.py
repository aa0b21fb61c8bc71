"""How a command answers: as a table or text for people, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import east_asian_width


@dataclass(frozen=True)
class Answer:
    """`text` stands for the table where a table says too little; `code` is the exit code.

    `data` stands for the rows in JSON, where an answer is more than rows.
    """

    rows: Sequence[dict[str, Any]]
    text: str | None = None
    code: int = 0
    data: dict[str, Any] | None = None

    def to_json(self) -> str:
        return json.dumps(self.rows if self.data is None else self.data, indent=2, default=str, ensure_ascii=False)

    def to_text(self) -> str:
        return table(self.rows) if self.text is None else self.text


def table(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "(none)"
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(map(_padded, row, widths)).rstrip() for row in cells)


def _width(text: str) -> int:
    """In columns of a terminal, where a Japanese character takes two."""
    return sum(1 + (east_asian_width(character) in "WF") for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)
