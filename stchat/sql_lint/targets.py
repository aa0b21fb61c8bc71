"""The objects that a statement makes or drops outside a transaction, and the tables that are indexed, by their names.

As PostgreSQL's grammar reads them: quoted or not, cut off at 63 bytes, with comments in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from stchat.schema.migration import Target
from stchat.sql_lint.grammar import Lexeme, Node, inner, kind, strings


def target_of(node: Node, lexemes: Sequence[Lexeme]) -> Target | None:
    """None for a statement that neither needs a name at run time nor is one of non_transactional.KINDS."""
    statement = inner(node)
    match kind(node):
        case "index_stmt":
            relation = statement.relation
            return Target(
                "create index concurrently" if statement.concurrent else "create index",
                statement.idxname,
                relation.schemaname,
                relation.relname,
                conditional=statement.if_not_exists,
                unique=statement.unique,
                rest=_rest(lexemes),
            )
        case "drop_stmt" if statement.concurrent and len(statement.objects) == 1:
            *schema, name = strings(inner(statement.objects[0]).items)
            return Target(
                "drop index concurrently", name, schema[-1] if schema else "", conditional=statement.missing_ok
            )
        case "createdb_stmt":
            return Target("create database", statement.dbname)
    return None


def _rest(lexemes: Sequence[Lexeme]) -> int:
    """Where a CREATE INDEX goes on after `ON [ONLY] <table>`: an index has no name that is the word ON unquoted."""
    at = next(index for index, lexeme in enumerate(lexemes) if lexeme.kind == "ON") + 1
    if lexemes[at].kind == "ONLY":
        at += 1
    while lexemes[at + 1].kind == "ASCII_46":  # a dot
        at += 2
    if lexemes[at + 1].kind == "ASCII_42":  # the star after a table's name, which changes nothing
        at += 1
    return lexemes[at].end - lexemes[0].start
