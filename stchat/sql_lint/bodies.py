"""The statements in a PL/pgSQL body, and those that it makes of strings as far as their beginnings show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from postgast import PgQueryError, parse

from stchat.sql_lint.grammar import body_of
from stchat.sql_lint.rules import nodes_of

_STRING = re.compile(r"'((?:[^']|'')*)'")
# Of SQL that is put together at run time: enough to see what it is about.
_BEGINNINGS = re.compile(r"\s*(DROP\s+TABLE|TRUNCATE(?:\s+TABLE)?|DELETE\s+FROM)\s+(?P<name>[\w.\"%]*)", re.IGNORECASE)


def statements(text: str) -> Iterator[Any]:
    """Each as the grammar reads it. A body that the grammar cannot read has none here."""
    for what, node in nodes_of(body_of(text)):
        if what == "PLpgSQL_stmt_execsql":
            yield from _parsed(node["sqlstmt"]["PLpgSQL_expr"]["query"])
        elif what in ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"):
            yield from _made(node["query"]["PLpgSQL_expr"]["query"])


def _made(expression: str) -> Iterator[Any]:
    """Of EXECUTE: the whole statement where it is one string, else what its first string begins."""
    for string in _STRING.findall(expression):
        sql = string.replace("''", "'")
        if found := list(_parsed(sql)):
            yield from found
        elif begun := _BEGINNINGS.match(sql):
            name = begun["name"] if re.fullmatch(r'[\w.]+|"[^"]+"', begun["name"]) else "a_table_named_at_run_time"
            yield from _parsed(f"{begun[1]} {name}")
        return


def _parsed(sql: str) -> Iterator[Any]:
    try:
        yield from parse(sql).stmts
    except (PgQueryError, ValueError):
        return
