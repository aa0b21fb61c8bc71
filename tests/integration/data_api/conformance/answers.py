"""What an answer holds besides values: counts, metadata, JSON."""

from __future__ import annotations

from typing import Any

from tests.integration.data_api.conformance.rule import ASSUMED, JSON_PAGE, MODEL, PROXY, Rule, Source, parameter, sent
from tests.integration.data_api.conformance.values_out import long, string

TABLE = ("CREATE TABLE t (id serial PRIMARY KEY, name varchar(9) NOT NULL, price numeric(10,2))",)
METADATA = {"includeResultMetadata": True}
JSON = {"formatRecordsAs": "JSON"}


def column(name: str, type_name: str, jdbc: int, **members: object) -> dict[str, Any]:
    return {
        "arrayBaseColumnType": 0,
        "isAutoIncrement": False,
        "isCaseSensitive": False,
        "isCurrency": False,
        "isSigned": False,
        "label": name,
        "name": name,
        "nullable": 2,
        "precision": 0,
        "scale": 0,
        "schemaName": "",
        "tableName": "",
        "type": jdbc,
        "typeName": type_name,
    } | members


def nothing(count: int) -> dict[str, Any]:
    return {"generatedFields": [], "numberOfRecordsUpdated": count}


def formatted(summary: str, select: str, text: str, source: Source = JSON_PAGE, **options: object) -> Rule:
    body = {"formattedRecords": text, "numberOfRecordsUpdated": 0}
    return Rule(summary=summary, sql=f"SELECT {select}", request=JSON | options, body=body, source=source)


RULES: list[Rule] = [
    Rule(
        summary="a query: records, no generatedFields",
        source=PROXY,
        body={"records": [[long(1)]], "numberOfRecordsUpdated": 0},
    ),
    Rule(
        summary="a query without rows",
        sql="SELECT 1 WHERE false",
        source=PROXY,
        body={"records": [], "numberOfRecordsUpdated": 0},
    ),
    Rule(
        summary="INSERT: a count, no records",
        sql="INSERT INTO t (name) VALUES ('a'), ('b')",
        setup=TABLE,
        source=PROXY,
        body=nothing(2),
    ),
    Rule(
        summary="UPDATE",
        sql="UPDATE t SET name = 'b'",
        setup=(*TABLE, "INSERT INTO t (name) VALUES ('a')"),
        body=nothing(1),
        source=PROXY,
    ),
    Rule(summary="DELETE", sql="DELETE FROM t", setup=TABLE, body=nothing(0), source=PROXY),
    Rule(summary="DDL", sql=TABLE[0], body=nothing(0), source=PROXY),
    Rule(
        summary="INSERT ... RETURNING is a result set",
        sql="INSERT INTO t (name) VALUES ('a') RETURNING id",
        setup=TABLE,
        source=PROXY,
        body={"records": [[long(1)]], "numberOfRecordsUpdated": 0},
    ),
    Rule(summary="SHOW is a result set", sql="SHOW timezone", records=[[string("UTC")]], source=PROXY),
    Rule(
        summary="metadata of an expression",
        sql="SELECT 1 AS one",
        request=METADATA,
        source=ASSUMED,
        body={
            "records": [[long(1)]],
            "numberOfRecordsUpdated": 0,
            "columnMetadata": [column("one", "int4", 4, isSigned=True, precision=10)],
        },
    ),
    Rule(
        summary="metadata of a table's columns; a serial's typeName is serial",
        sql="SELECT * FROM t",
        setup=TABLE,
        request=METADATA,
        source=ASSUMED,
        body={
            "records": [],
            "numberOfRecordsUpdated": 0,
            "columnMetadata": [
                column("id", "serial", 4, isAutoIncrement=True, isSigned=True, nullable=0, precision=10, tableName="t"),
                column("name", "varchar", 12, isCaseSensitive=True, nullable=0, precision=9, tableName="t"),
                column("price", "numeric", 2, isSigned=True, nullable=1, precision=10, scale=2, tableName="t"),
            ],
        },
    ),
    Rule(
        summary="metadata of other types: PostgreSQL's internal names",
        request=METADATA,
        source=ASSUMED,
        sql="SELECT ARRAY[1] AS a, now() AS b WHERE false",
        body={
            "records": [],
            "numberOfRecordsUpdated": 0,
            "columnMetadata": [
                column("a", "_int4", 2003, arrayBaseColumnType=4, precision=2147483647),
                column("b", "timestamptz", 93, precision=35, scale=6),
            ],
        },
    ),
    Rule(
        summary="no metadata where there is no result set",
        sql="DELETE FROM t",
        setup=TABLE,
        request=METADATA,
        body=nothing(0),
        source=PROXY,
    ),
    formatted(
        "JSON: an array of objects, compact",
        "1 AS a, 'x'::text AS b, NULL AS c, true AS d",
        '[{"a":1,"b":"x","c":null,"d":true}]',
    ),
    formatted("JSON: decimals are strings", "1.50::numeric AS n", '[{"n":"1.50"}]'),
    formatted(
        "JSON: decimals are numbers if asked",
        "1.50::numeric AS n",
        '[{"n":1.5}]',
        resultSetOptions={"decimalReturnType": "DOUBLE_OR_LONG"},
    ),
    formatted("JSON: bytea in base64", "'\\xdead'::bytea AS b", '[{"b":"3q0="}]'),
    formatted("JSON: dates are strings", "'2024-01-15'::date AS d", '[{"d":"2024-01-15"}]'),
    formatted("JSON: arrays are arrays", "ARRAY[1,2] AS a", '[{"a":[1,2]}]'),
    formatted("JSON: text is not escaped beyond need", "'日本 \"x\"'::text AS t", '[{"t":"日本 \\"x\\""}]', ASSUMED),
    formatted("JSON: no rows", "1 AS a WHERE false", "[]", ASSUMED),
    formatted("JSON: no metadata even if asked for", "1 AS a", '[{"a":1}]', includeResultMetadata=True),
    Rule(
        summary="JSON: ignored where there is no result set",
        sql="DELETE FROM t",
        setup=TABLE,
        request=JSON,
        body=nothing(0),
        source=JSON_PAGE,
    ),
    Rule(
        summary="JSON: equal labels are an error",
        sql="SELECT 1 AS a, 2 AS a",
        request=JSON,
        source=ASSUMED,
        error="UnsupportedResultException",
        message="The result contains duplicate column labels, which formatRecordsAs JSON does not support",
    ),
    Rule(
        summary="formatRecordsAs NONE is the default",
        request={"formatRecordsAs": "NONE"},
        records=[[long(1)]],
        source=MODEL,
    ),
    Rule(
        summary="a batch: one entry a set, generatedFields empty",
        path="/BatchExecute",
        setup=TABLE,
        source=PROXY,
        sql="INSERT INTO t (name) VALUES (:n)",
        request={"parameterSets": [[parameter("n", string("a"))], [parameter("n", string("b"))]]},
        body={"updateResults": [{"generatedFields": []}, {"generatedFields": []}]},
    ),
    Rule(
        summary="a batch without parameter sets runs once",
        path="/BatchExecute",
        setup=TABLE,
        source=ASSUMED,
        sql="INSERT INTO t (name) VALUES ('a')",
        body={"updateResults": []},
    ),
    Rule(
        summary="a batch that fails",
        path="/BatchExecute",
        setup=TABLE,
        source=ASSUMED,
        sql="INSERT INTO t (id, name) VALUES (1, :n)",
        request={"parameterSets": [[parameter("n", string("a"))], [parameter("n", string("b"))]]},
        error="DatabaseErrorException",
        message='ERROR: duplicate key value violates unique constraint "t_pkey"; SQLState: 23505',
    ),
    sent(
        "FETCH from a cursor is a result set",
        "FETCH 2 FROM c",
        setup=("DECLARE c CURSOR FOR SELECT generate_series(1, 3)",),
        records=[[long(1)], [long(2)]],
        source=PROXY,
    ),
]
