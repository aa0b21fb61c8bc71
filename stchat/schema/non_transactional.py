"""The statements that PostgreSQL runs in no transaction, and how the catalog shows what became of one.

No record is made in the instant that such a statement ends, so the runner asks the catalog before it runs one, and
again whenever it does not know. A statement that is not here is either possible in a transaction or refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from stchat.data_api import DataApi, Row
from stchat.schema.migration import Target, quoted

# The same statement, sent by a runner that has gone, may still be at work. pg_stat_activity has its beginning.
_SEEN = """
    WITH seen AS (
        SELECT EXISTS (
            SELECT FROM pg_stat_activity AS a
            WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.state = 'active'
              AND length(a.query) > 20 AND a.query = left(:statement, length(a.query))) AS running)
"""


@dataclass(frozen=True)
class NonTransactionalStatement:
    """`inspect` takes :name, :object (as SQL has it) and :statement, and answers

    state: todo, running, broken, taken (by another object), gone or done; progress: text for the log; cure: what
    clears away the broken; before and after: what sets the memory that it needs for later sessions, and undoes that.
    """

    answer: str

    @property
    def inspect(self) -> str:
        return _SEEN + self.answer


# By the action of a statement's target.
KINDS = {
    "create database": NonTransactionalStatement("""
            SELECT CASE WHEN EXISTS (SELECT FROM pg_database WHERE datname = :name) THEN 'done'
                        WHEN running THEN 'running' ELSE 'todo' END AS state,
                   :object AS progress, '' AS cure, '' AS before, '' AS after
            FROM seen"""),
    # A build's line of progress names its index only from the second phase on.
    "create index concurrently": NonTransactionalStatement("""
            SELECT CASE WHEN i.indisvalid THEN 'done' WHEN running OR p.pid IS NOT NULL THEN 'running'
                        WHEN i.indexrelid IS NOT NULL THEN 'broken' WHEN taken.oid IS NOT NULL THEN 'taken'
                        ELSE 'todo' END AS state,
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
            CROSS JOIN (SELECT to_regclass(:object) AS id) AS t
            CROSS JOIN LATERAL (SELECT least(coalesce(pg_table_size(t.id), 0) * 5 / 4,
                                             pg_size_bytes(current_setting('effective_cache_size')) / 8) AS memory) AS m
            LEFT JOIN (pg_index AS i
                       JOIN pg_class AS c ON c.oid = i.indexrelid
                       JOIN pg_namespace AS n ON n.oid = c.relnamespace)
              ON i.indrelid = t.id AND c.relname = :name
            LEFT JOIN pg_class AS taken
              ON taken.relname = :name AND taken.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = t.id)
            LEFT JOIN pg_stat_progress_create_index AS p
              ON p.datname = current_database() AND p.relid = t.id
             AND p.index_relid IN (0, coalesce(i.indexrelid, 0))"""),
    "drop index concurrently": NonTransactionalStatement("""
            SELECT CASE WHEN running THEN 'running' WHEN to_regclass(:object) IS NULL THEN 'gone'
                        ELSE 'todo' END AS state,
                   :name AS progress, '' AS cure, '' AS before, '' AS after
            FROM seen"""),
}

_TABLE = "SELECT to_regclass(:table)::oid::bigint AS id"
# Less their beginnings, in which the tables' names are.
_DEFINITIONS = r"""
SELECT CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END || substr(pg_get_indexdef(indexrelid), 1 + length(format(
           'CREATE %sINDEX %I ON %I.%I ', CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END, c.relname,
           CASE WHEN n.nspname LIKE 'pg\_temp\_%' THEN 'pg_temp' ELSE n.nspname END, t.relname))) AS definition
FROM pg_index
JOIN pg_class AS c ON c.oid = indexrelid
JOIN pg_class AS t ON t.oid = indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE c.relname = :name AND indrelid IN (:table, to_regclass(:scratch))
ORDER BY indrelid = to_regclass(:scratch)"""


def inspect(api: DataApi, target: Target, statement: str) -> Row:
    """What the catalog shows of it."""
    of = (target.schema, target.table or target.name)
    values = {"name": target.name, "object": quoted(*of), "statement": statement}
    return api.execute(KINDS[target.action].inspect, values, idempotent=True).rows[0]


def definitions(api: DataApi, target: Target, statement: str) -> tuple[str, str]:
    """Of the index that is there, and of the one that the statement makes, which an empty table beside it shows."""
    scratch = quoted("pg_temp", target.table)
    with api.transaction() as transaction:
        [table] = transaction.execute(_TABLE, {"table": quoted(target.schema, target.table)}).rows
        transaction.execute(
            f"CREATE TEMPORARY TABLE {quoted(target.table)} (LIKE {quoted(target.schema, target.table)}) ON COMMIT DROP"
        )
        unique = "UNIQUE " if target.unique else ""
        transaction.execute(f"CREATE {unique}INDEX {quoted(target.name)} ON {scratch} {statement[target.rest :]}")
        rows = transaction.execute(_DEFINITIONS, {"name": target.name, "table": table["id"], "scratch": scratch}).rows
    found, made = (row["definition"] for row in rows)
    return found, made
