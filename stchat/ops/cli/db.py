"""`stchat db`: databases, tables, indexes and columns."""

from __future__ import annotations

import argparse

from stchat.errors import StchatError
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer

_DATABASES = """
SELECT datname AS database, pg_get_userbyid(datdba) AS owner,
       CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_size_pretty(pg_database_size(oid)) END AS size
FROM pg_database WHERE datallowconn ORDER BY datname"""
_TABLES = """
SELECT n.nspname AS schema, c.relname AS table, nullif(c.reltuples, -1)::bigint AS rows_estimated,
       pg_size_pretty(pg_total_relation_size(c.oid)) AS size
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2"""
_COLUMNS = """
SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type,
       CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS null, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum"""
_INDEXES = """
SELECT t.relname AS table, c.relname AS index, CASE WHEN i.indisvalid THEN '' ELSE 'INVALID' END AS state,
       pg_size_pretty(pg_relation_size(c.oid)) AS size, pg_get_indexdef(c.oid) AS definition
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1, 2"""
_NAMED = "SELECT to_regclass(:table)::text AS name"

_QUERIES = {"databases": _DATABASES, "tables": _TABLES, "indexes": _INDEXES}


def query(arguments: argparse.Namespace) -> Answer:
    return Answer(connect(arguments.database).execute(_QUERIES[arguments.command], idempotent=True).rows)


def columns(arguments: argparse.Namespace) -> Answer:
    rows = connect(arguments.database).execute(_COLUMNS, {"table": arguments.table}, idempotent=True).rows
    if not rows:
        raise _no_table(arguments.table)
    return Answer(rows)


def drop_table(arguments: argparse.Namespace) -> Answer:
    """Deletes data, so it requires the table's name and `--yes`."""
    api = connect(arguments.database)
    name = api.execute(_NAMED, {"table": arguments.table}, idempotent=True).rows[0]["name"]
    if name is None:
        raise _no_table(arguments.table)
    if not arguments.yes:
        raise StchatError(f"this would drop table {name} of {api.database} and all its rows: add --yes to do it")
    api.execute(f"DROP TABLE {name}")
    return Answer([{"database": api.database, "dropped": name}])


def _no_table(name: str) -> StchatError:
    return StchatError(f"there is no table {name}: `stchat db tables` lists them")


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    for name, what in (
        ("databases", "the databases of the cluster"),
        ("tables", "the tables of a database, with their sizes"),
        ("indexes", "the indexes of a database, and whether they are valid"),
    ):
        group.add_parser(name, help=what, parents=[common]).set_defaults(run=query)
    one = group.add_parser("columns", help="the columns of a table", parents=[common])
    one.add_argument("table", metavar="TABLE")
    one.set_defaults(run=columns)
    drop = group.add_parser("drop-table", help="drop a table and all its rows", parents=[common])
    drop.add_argument("table", metavar="TABLE")
    drop.add_argument("--yes", action="store_true", help="do it")
    drop.set_defaults(run=drop_table)
