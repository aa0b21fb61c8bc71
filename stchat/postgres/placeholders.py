"""`:name` placeholders, which the Data API has, to PostgreSQL's `$1`; a statement that is not one is refused.

As the Data API: names are `\\w+` and may begin with a digit, a name that occurs twice is one parameter, and quotes,
comments and `::` hold none. Unlike it, the text between dollar quotes stays as it is (docs/transports.md).
"""

from __future__ import annotations

import re
from functools import lru_cache

from stchat.errors import DataApiError

CACHED = 128  # programs send the same SQL again and again
_TOKEN = re.compile(
    r"""
    (?P<quoted>
        (?<!\w)[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
      | '(?:[^']|'')*(?:'|\Z)
      | "(?:[^"]|"")*(?:"|\Z)
      | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
  | (?P<line>--[^\n]*)
  | (?P<comment>/\*)
  | (?P<cast>::)
  | :(?P<name>\w+)
  | (?P<atomic>\bBEGIN\s+ATOMIC\b)
  | (?P<semicolon>;)
  | (?P<word>[\w$]+|\S)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@lru_cache(CACHED)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The SQL with `$1`, `$2`, ... for its placeholders, and their names in that order.

    Raises:
        DataApiError: it holds more than one statement. A function's body BEGIN ATOMIC ... END is one.
    """
    names: dict[str, int] = {}
    pieces: list[str] = []
    position = copied = 0
    ended = atomic = False
    while match := _TOKEN.search(sql, position):
        position = _comment_end(sql, match.start()) if match["comment"] else match.end()
        if match["comment"] or match["line"]:
            continue
        if ended and not atomic and not match["semicolon"]:
            raise DataApiError("a call takes one statement, got more: send each in a call of its own, in a transaction")
        if match["semicolon"]:
            ended = True
        elif match["atomic"]:
            atomic = True
        elif name := match["name"]:
            pieces += sql[copied : match.start()], f"${names.setdefault(name, len(names) + 1)}"
            copied = position
    return "".join((*pieces, sql[copied:])), tuple(names)


def _comment_end(sql: str, start: int) -> int:
    """Comments nest, as PostgreSQL's do."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
