"""Parameters, and where the SQL has placeholders for them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.integration.data_api.conformance.rule import (
    ASSUMED,
    CLIENT_98,
    CORRECTIONS,
    OPERATIONS,
    PROXY,
    Rule,
    database_error,
    parameter,
    sent,
)
from tests.integration.data_api.conformance.values_out import long, string

TABLE = (
    "CREATE TABLE t (i int, n numeric, j jsonb, u uuid, d date, ts timestamp, tm time, b bytea, v varchar(9), f bool)",
)
INSERTED = {"generatedFields": [], "numberOfRecordsUpdated": 1}
A = parameter("a", string("x"))


def type_of(summary: str, value: Mapping[str, object], name: str, hint: str | None = None) -> Rule:
    return sent(
        summary, "SELECT pg_typeof(:p)::text", parameter("p", value, hint), source=ASSUMED, records=[[string(name)]]
    )


def inserted(column: str, text: str, hint: str) -> Rule:
    return sent(
        f"typeHint {hint} fits a column of type {column}",
        f"INSERT INTO t ({column}) VALUES (:p)",
        parameter("p", string(text), hint),
        setup=TABLE,
        body=INSERTED,
    )


RULES: list[Rule] = [
    type_of("longValue is bound as int8", long(1), "bigint"),
    type_of("doubleValue is bound as float8", {"doubleValue": 1.5}, "double precision"),
    type_of("booleanValue is bound as bool", {"booleanValue": True}, "boolean"),
    type_of("blobValue is bound as bytea", {"blobValue": "AA=="}, "bytea"),
    type_of("stringValue is bound as text", string("x"), "text"),
    type_of("typeHint JSON", string("{}"), "json", "JSON"),
    type_of("typeHint UUID", string("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "uuid", "UUID"),
    type_of("typeHint TIMESTAMP", string("2024-01-15 12:34:56.789"), "timestamp without time zone", "TIMESTAMP"),
    type_of("typeHint DATE", string("2024-01-15"), "date", "DATE"),
    type_of("typeHint TIME", string("12:34:56.789"), "time without time zone", "TIME"),
    type_of("typeHint DECIMAL", string("1.50"), "numeric", "DECIMAL"),
    sent(
        "isNull needs no type where the column gives one",
        "INSERT INTO t (i) VALUES (:p)",
        parameter("p", {"isNull": True}),
        setup=TABLE,
        body=INSERTED,
        source=ASSUMED,
    ),
    sent(
        "isNull needs a cast elsewhere",
        "SELECT :p IS NULL",
        parameter("p", {"isNull": True}),
        source=ASSUMED,
        error="DatabaseErrorException",
        message="ERROR: could not determine data type of parameter $1; SQLState: 42P18",
    ),
    sent(
        "isNull with a cast",
        "SELECT :p::int IS NULL",
        parameter("p", {"isNull": True}),
        source=PROXY,
        records=[[{"booleanValue": True}]],
    ),
    inserted("j", '{"a": 1}', "JSON"),
    inserted("u", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "UUID"),
    inserted("ts", "2024-01-15 12:34:56", "TIMESTAMP"),
    inserted("d", "2024-01-15", "DATE"),
    inserted("tm", "12:34:56", "TIME"),
    inserted("n", "1.50", "DECIMAL"),
    sent(
        "stringValue does not compare with a number",
        "SELECT 1 = :p",
        parameter("p", string("1")),
        source=PROXY,
        error="DatabaseErrorException",
        message="ERROR: operator does not exist: integer = text; Hint: No operator matches the given name and argument "
        "types. You might need to add explicit type casts.; Position: 10; SQLState: 42883",
    ),
    sent(
        "a cast makes it fit",
        "SELECT 1 = :p::int",
        parameter("p", string("1")),
        source=PROXY,
        records=[[{"booleanValue": True}]],
    ),
    sent(
        "blobs come back as they went",
        "SELECT :p",
        parameter("p", {"blobValue": "AP8="}),
        records=[[{"blobValue": "AP8="}]],
    ),
    sent(
        "arrays are not supported",
        "SELECT :p",
        parameter("p", {"arrayValue": {"longValues": [1]}}),
        error="ValidationException",
        message="Array parameters are not supported.",
        source=CORRECTIONS,
    ),
    sent(
        "a NUL is no text",
        "SELECT :p",
        parameter("p", string("a\0b")),
        error="DatabaseErrorException",
        source=ASSUMED,
        message='ERROR: invalid byte sequence for encoding "UTF8": 0x00; SQLState: 22021',
    ),
    sent(
        "half a surrogate pair is no text",
        "SELECT :p",
        parameter("p", string("\ud800")),
        source=ASSUMED,
        error="DatabaseErrorException",
        message='ERROR: invalid byte sequence for encoding "UTF8": 0xed 0xa0 0x80; SQLState: 22021',
    ),
    sent("a name may be used twice", "SELECT :a || :a", A, records=[[string("xx")]], source=ASSUMED),
    sent(
        "a name may be digits",
        "SELECT :1, :0",
        parameter("1", string("b")),
        parameter("0", string("c")),
        records=[[string("b"), string("c")]],
        source=PROXY,
    ),
    sent(
        "not inside quotes",
        "SELECT ':a', ''':a', E'\\':a', :a AS \":a\"",
        A,
        records=[[string(":a"), string("':a"), string("':a"), string("x")]],
        source=PROXY,
    ),
    sent("not inside comments", "SELECT :a -- :b\n /* :c /* :d */ ':e */", A, records=[[string("x")]], source=PROXY),
    sent("not after a colon", "SELECT '1'::int, :a::text", A, records=[[long(1), string("x")]], source=PROXY),
    sent(
        "inside dollar quotes too, with parameters",
        "SELECT $$a :b c$$, :a",
        A,
        parameter("b", string("y")),
        records=[[string("a $1 c"), string("x")]],
        source=PROXY,
    ),
    sent("inside dollar quotes too, without", "SELECT $$a :b c$$", records=[[string("a $1 c")]], source=PROXY),
    sent(
        "at array slices too",
        "SELECT (ARRAY[1,2,3])[1:2]",
        source=PROXY,
        error="DatabaseErrorException",
        message='ERROR: syntax error at or near "$1"; Position: 24; SQLState: 42601',
    ),
    sent(
        "a slice with a space is one",
        "SELECT (ARRAY[1,2,3])[1: 2]",
        source=PROXY,
        records=[[{"arrayValue": {"longValues": [1, 2]}}]],
    ),
    sent(
        ":= is an assignment",
        "DO $$ DECLARE x int := 1; BEGIN x:=2; END $$",
        source=PROXY,
        body={"generatedFields": [], "numberOfRecordsUpdated": 0},
    ),
    sent(
        "a placeholder without its parameter",
        "SELECT :a, :b",
        A,
        error="BadRequestException",
        message="Cannot find parameter: b",
        source=CLIENT_98,
    ),
    database_error(
        "a placeholder without any parameters",
        "SELECT :a",
        'ERROR: bind message supplies 0 parameters, but prepared statement "" requires 1; SQLState: 08P01',
        ASSUMED,
    ),
    sent(
        "a parameter without its placeholder is refused",
        "SELECT 1",
        A,
        error="ValidationException",
        message="The SQL statement has no placeholder for the parameter: a",
        source=CORRECTIONS,
    ),
    *(
        sent(
            f"typeHint {hint} refuses {value!r}",
            "SELECT :p",
            parameter("p", string(value), hint),
            error="ValidationException",
            message=f"The value of the parameter p is not in the format of the type hint {hint}: {format_}",
            source=OPERATIONS,
        )
        for hint, format_, values in (
            ("DATE", "YYYY-MM-DD", ("20240115", "2024-1-5", "15 Jan 2024", "today", "infinity", "2024-01-15 12:00:00")),
            ("TIME", "HH:MM:SS[.FFF]", ("12:34", "1:02:03", "12:34:56 PM", "12:34:56+09", "noon")),
            (
                "TIMESTAMP",
                "YYYY-MM-DD HH:MM:SS[.FFF]",
                ("2024-01-15T12:34:56", "2024-01-15 12:34:56Z", "2024-01-15 12:34:56+09", "2024-01-15", "now"),
            ),
            ("DECIMAL", "a decimal number", ("1,5", "0x10", "NaN", "Infinity", "")),
        )
        for value in values
    ),
    sent(
        "a parameter without a name",
        "SELECT 1",
        {"value": long(1)},
        error="ValidationException",
        message="Named parameters are required.",
        source=ASSUMED,
    ),
]
