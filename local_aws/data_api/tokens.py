"""How the Data API reads SQL: `:name` placeholders, and whether a call holds one statement."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

# Programs send the same SQL again and again.
CACHED = 128
# Where neither a placeholder nor a semicolon counts. The comments nest, as PostgreSQL's do: see _comment_end.
QUOTED = r"""
    (?<!\w)[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
  | '(?:[^']|'')*(?:'|\Z)
  | "(?:[^"]|"")*(?:"|\Z)
  | --[^\n]*
  | (?P<comment>/\*)
"""
# AWS looks for placeholders inside dollar quotes too, and thereby corrupts what is in them.
PLACEHOLDER = re.compile(rf"{QUOTED} | :: | :(?P<name>\w+)", re.VERBOSE | re.DOTALL)
STATEMENT = re.compile(
    rf"""{QUOTED}
  | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
  | (?P<atomic>\bBEGIN\s+ATOMIC\b)
  | (?P<semicolon>;)
  | (?P<other>\w[\w$]*|[^\s])
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


@lru_cache(CACHED)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The SQL with `$1`, `$2`, ... for its placeholders, and their names in that order; a name has one number."""
    names: dict[str, int] = {}
    pieces: list[str] = []

    def replace(match: re.Match[str]) -> str | None:
        if name := match["name"]:
            return f"${names.setdefault(name, len(names) + 1)}"
        return None

    position = 0
    for start, end, text in _tokens(PLACEHOLDER, sql, replace):
        if text is not None:
            pieces += sql[position:start], text
            position = end
    return "".join((*pieces, sql[position:])), tuple(names)


@lru_cache(CACHED)
def is_one_statement(sql: str) -> bool:
    """Whether nothing but space and comments follows a semicolon.

    The body of a function in SQL's own syntax, BEGIN ATOMIC ... END, holds semicolons and is one statement.
    """
    ended = False

    def kind(match: re.Match[str]) -> str | None:
        return match.lastgroup

    for start, _, group in _tokens(STATEMENT, sql, kind):
        if group == "atomic":
            return True
        if group == "semicolon":
            ended = True
        elif ended and group != "comment" and not sql.startswith("--", start):
            return False
    return True


def _tokens(
    pattern: re.Pattern[str], sql: str, describe: Callable[[re.Match[str]], str | None]
) -> list[tuple[int, int, str | None]]:
    """The start, end and description of every match, comments skipped to their true end."""
    tokens = []
    position = 0
    while match := pattern.search(sql, position):
        position = _comment_end(sql, match.start()) if match["comment"] else match.end()
        tokens.append((match.start(), position, describe(match)))
    return tokens


COMMENT_EDGE = re.compile(r"/\*|\*/")


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for edge in COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
