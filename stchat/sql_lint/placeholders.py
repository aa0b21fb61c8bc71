"""SQL that the Data API would change on its way: it takes `:word` for a parameter where PostgreSQL sees none.

It knows quotes and comments, but neither dollar quotes nor array slices (docs/decisions/0205).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARAMETER = re.compile(r"(?<!:):(\w+)")
# What a scanner that does not know dollar quotes passes over.
_QUOTED = r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/"
_NAIVE = re.compile(rf"(?:{_QUOTED})|(?P<parameter>(?<!:):\w+)", re.DOTALL)


def corrupted(text: str, span: tuple[int, int], tokens: Iterable[tuple[int, int, str]]) -> tuple[int, str] | None:
    """The offset in `text` and what to do, or None. `tokens`: (start, end, name) of PostgreSQL's scanner."""
    start, end = span
    for begin, stop, name in tokens:
        if name == "SCONST" and text[begin] == "$" and (found := _PARAMETER.search(text, begin, stop)):
            return found.start(), (
                f"the Data API would take {found[0]} in a dollar-quoted body for a parameter:"
                " put a blank after the colon, or chr(58) in a string"
            )
    for found in _NAIVE.finditer(text, start, end):
        if found["parameter"]:
            return found.start(), (
                f"the Data API would take {found[0]} for a parameter: put a blank after the colon, as in [1: 2]"
            )
    return None
