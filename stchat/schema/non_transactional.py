"""The statements that PostgreSQL runs in no transaction, and how the catalog tells what became of one.

Nobody records such a statement in the instant that it ends, so the runner asks the catalog before it runs
one, and again whenever it does not know. A statement that is not here is either possible in a transaction or refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_IDENTIFIER = r"[a-z_][a-z0-9_]*"

# The same statement, sent by a runner that has gone, may still be at work. pg_stat_activity has its beginning.
_SEEN = """
    WITH seen AS (
        SELECT EXISTS (
            SELECT FROM pg_stat_activity AS a
            WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.state = 'active'
              AND length(a.query) > 20 AND a.query = left(:statement, length(a.query))) AS running)
"""


@dataclass(frozen=True)
class Alone:
    """`pattern` reads the statement; its groups and `statement` are the parameters of `probe`. That answers

    state: todo, running, broken or done; progress: text for the log; cure: what clears away the broken;
    before and after: what sets the memory that it needs for the sessions to come, and what undoes that.
    """

    form: str
    pattern: re.Pattern[str]
    answer: str

    @property
    def probe(self) -> str:
        return _SEEN + self.answer


# By the class of the node in PostgreSQL's syntax tree.
KINDS = {
    "CreatedbStmt": Alone(
        form="CREATE DATABASE <name>",
        pattern=re.compile(rf"CREATE\s+DATABASE\s+(?P<name>{_IDENTIFIER})\b", re.IGNORECASE),
        answer="""
            SELECT CASE WHEN EXISTS (SELECT FROM pg_database WHERE datname = lower(:name)) THEN 'done'
                        WHEN running THEN 'running' ELSE 'todo' END AS state,
                   'at work' AS progress, '' AS cure, '' AS before, '' AS after
            FROM seen""",
    ),
    "IndexStmt": Alone(
        form="CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] <name> ON <table>",
        pattern=re.compile(
            rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{_IDENTIFIER})"
            rf"\s+ON\s+(?:ONLY\s+)?(?P<table>{_IDENTIFIER}(?:\.{_IDENTIFIER})?)",
            re.IGNORECASE,
        ),
        # A build's line of progress names its index only from the second phase on.
        answer="""
            SELECT CASE WHEN i.indisvalid THEN 'done' WHEN running OR p.pid IS NOT NULL THEN 'running'
                        WHEN i.indexrelid IS NOT NULL THEN 'broken' ELSE 'todo' END AS state,
                   coalesce(p.phase || coalesce(' ' || p.blocks_done * 100 / nullif(p.blocks_total, 0) || ' %', ''),
                            'at work') AS progress,
                   'DROP INDEX CONCURRENTLY IF EXISTS '
                   || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS cure,
                   CASE WHEN memory > pg_size_bytes(current_setting('maintenance_work_mem'))
                        THEN format('ALTER ROLE CURRENT_USER IN DATABASE %I SET maintenance_work_mem = %L',
                                    current_database(), memory / 1024 || 'kB') ELSE '' END AS before,
                   CASE WHEN EXISTS (SELECT FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
                                     WHERE d.datname = current_database()
                                       AND s.setrole = quote_ident(current_user)::regrole
                                       AND array_to_string(s.setconfig, ',') LIKE '%maintenance_work_mem=%')
                        THEN format('ALTER ROLE CURRENT_USER IN DATABASE %I RESET maintenance_work_mem',
                                    current_database()) ELSE '' END AS after
            FROM seen
            CROSS JOIN (SELECT to_regclass(lower(:table)) AS id) AS t
            CROSS JOIN LATERAL (SELECT least(coalesce(pg_table_size(t.id), 0) * 5 / 4,
                                             pg_size_bytes(current_setting('effective_cache_size')) / 8) AS memory) AS m
            LEFT JOIN (pg_index AS i
                       JOIN pg_class AS c ON c.oid = i.indexrelid
                       JOIN pg_namespace AS n ON n.oid = c.relnamespace)
              ON i.indrelid = t.id AND c.relname = lower(:name)
            LEFT JOIN pg_stat_progress_create_index AS p
              ON p.datname = current_database() AND p.relid = t.id
             AND p.index_relid IN (0, coalesce(i.indexrelid, 0))""",
    ),
    "DropStmt": Alone(
        form="DROP INDEX CONCURRENTLY [IF EXISTS] <name>",
        pattern=re.compile(
            rf"DROP\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+EXISTS\s+)?(?P<name>{_IDENTIFIER}(?:\.{_IDENTIFIER})?)",
            re.IGNORECASE,
        ),
        answer="""
            SELECT CASE WHEN running THEN 'running' WHEN to_regclass(lower(:name)) IS NULL THEN 'done'
                        ELSE 'todo' END AS state,
                   'at work' AS progress, '' AS cure, '' AS before, '' AS after
            FROM seen""",
    ),
}


def recognise(statement: str) -> tuple[Alone, dict[str, str]] | None:
    """The kind and the names in it, or None: then the statement runs in a transaction."""
    for kind in KINDS.values():
        if found := kind.pattern.match(statement):
            return kind, found.groupdict()
    return None
