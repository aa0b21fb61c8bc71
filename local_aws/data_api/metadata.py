"""columnMetadata: what the catalogs hold about a result's columns, as a JDBC driver reports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.pq import Format

from local_aws.data_api.parameters import Bound, text
from local_aws.data_api.session import Column, Outcome, Row, Session
from local_aws.data_api.types import RETURNED, Type, of_catalog

NO_NULLS, NULLABLE, UNKNOWN = 0, 1, 2
SERIALS = {"int2": "smallserial", "int4": "serial", "int8": "bigserial"}
# A modifier counts the four bytes of a length; that of numeric is two numbers in one.
HEADER = 4
OID_ARRAY = 1028

TYPES = """
SELECT t.oid, t.typname, t.typtype, e.oid, e.typname, e.typtype
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
WHERE t.oid = ANY ($1)
"""
COLUMNS = """
SELECT a.attrelid, a.attnum, c.relname, a.attnotnull,
       a.attidentity <> '' OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_catalog.pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE a.attrelid = ANY ($1) AND a.attnum > 0
"""


async def types(session: Session, columns: Sequence[Column]) -> list[Type]:
    """The type of each column; one that is not in `RETURNED` is looked up: an oid may be one database's own."""
    found = RETURNED
    if missing := {column.type_oid for column in columns} - found.keys():
        found = dict(found)
        for row in await _ask(session, TYPES, missing):
            oid, name, kind, element_oid, element_name, element_kind = (value and value.decode() for value in row)
            element = None
            if element_oid and element_name and element_kind:
                element = found.get(int(element_oid)) or of_catalog(int(element_oid), element_name, element_kind, None)
            if oid and name and kind:
                found[int(oid)] = of_catalog(int(oid), name, kind, element)
    return [found[column.type_oid] for column in columns]


async def metadata(session: Session, columns: Sequence[Column], of: Sequence[Type]) -> list[dict[str, Any]]:
    """The fourteen members of each column."""
    tables = {column.table_oid for column in columns} - {0}
    found = {
        (int(table or 0), int(number or 0)): (name or b"", not_null == b"t", serial == b"t")
        for table, number, name, not_null, serial in (await _ask(session, COLUMNS, tables) if tables else [])
    }
    return [_column(column, type_, found) for column, type_ in zip(columns, of, strict=True)]


def _column(column: Column, type_: Type, found: dict[tuple[int, int], tuple[bytes, bool, bool]]) -> dict[str, Any]:
    here = found.get((column.table_oid, column.table_column))
    table, not_null, serial = here or (b"", False, False)
    precision, scale = _precision(column, type_)
    return {
        "arrayBaseColumnType": type_.element.jdbc if type_.element else 0,
        "isAutoIncrement": serial,
        "isCaseSensitive": type_.case_sensitive,
        "isCurrency": type_.currency,
        "isSigned": type_.signed,
        "label": column.name,
        "name": column.name,
        "nullable": UNKNOWN if here is None else NO_NULLS if not_null else NULLABLE,
        "precision": precision,
        "scale": scale,
        "schemaName": "",
        "tableName": table.decode(),
        "type": type_.jdbc,
        "typeName": SERIALS.get(type_.name, type_.name) if serial else type_.name,
    }


def _precision(column: Column, type_: Type) -> tuple[int, int]:
    modifier = column.modifier - HEADER
    if column.modifier < 0:
        return type_.precision, type_.scale
    if type_.name == "numeric":
        return modifier >> 16, modifier & 0xFFFF
    if type_.name in ("varchar", "bpchar"):
        return modifier, 0
    return type_.precision, column.modifier if type_.scale == 6 else type_.scale


async def _ask(session: Session, sql: str, oids: set[int]) -> list[Row]:
    array = text("{" + ",".join(map(str, oids)) + "}")
    outcome: Outcome = await session.execute(sql, Bound.of(array, OID_ARRAY), result_format=Format.TEXT)
    return outcome.rows
