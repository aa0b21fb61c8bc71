"""PostgreSQL's values as Fields."""

from __future__ import annotations

from typing import Any

from tests.integration.data_api.conformance.rule import (
    ASSUMED,
    CORRECTIONS,
    DATA_API_CLIENT,
    DIFFERENCES,
    DRIZZLE_2982,
    EZ4,
    GUIDE_LIST,
    KYSELY_38,
    MODEL,
    OPERATIONS,
    PROXY,
    TYPEORM_164,
    Kind,
    Rule,
    Source,
    refused,
    value,
)

STRINGS = {"longReturnType": "STRING"}
DOUBLES = {"decimalReturnType": "DOUBLE_OR_LONG"}
UNSUPPORTED = "The result contains the unsupported data type {}."
# A refused type, the name in the text of its refusal, and the source of that.
REFUSED = {
    "interval '1 day'": ("INTERVAL", PROXY),
    "'12:00+02'::timetz": ("TIMETZ", EZ4),
    "'a'::\"char\"": ('"CHAR"', KYSELY_38),
    "'pg_class'::regclass": ("regclass", DRIZZLE_2982),
    "'int'::regtype": ("regtype", TYPEORM_164),
    "'08:00:2b:01:02:03'::macaddr": ("MACADDR", DATA_API_CLIENT),
    "'[1,2)'::int8range": ("INT8RANGE", DATA_API_CLIENT),
    "'[2024-01-01,2024-02-01)'::daterange": ("DATERANGE", DATA_API_CLIENT),
    "'[2024-01-01,2024-02-01)'::tsrange": ("TSRANGE", DATA_API_CLIENT),
    "'{[1,2)}'::int4multirange": ("int4multirange", GUIDE_LIST),
    "1::money": ("MONEY", DIFFERENCES),
    "'(1,2)'::point": ("POINT", DIFFERENCES),
    "'(1,2),(3,4)'::box": ("BOX", DIFFERENCES),
    "'<(1,2),3>'::circle": ("CIRCLE", DIFFERENCES),
    "'{1,2,3}'::line": ("LINE", DIFFERENCES),
    "'[(1,2),(3,4)]'::lseg": ("LSEG", DIFFERENCES),
    "'[(1,2),(3,4)]'::path": ("PATH", DIFFERENCES),
    "'((1,2),(3,4))'::polygon": ("POLYGON", DIFFERENCES),
    "NULL::xml": ("xml", GUIDE_LIST),
    "'a'::tsvector": ("tsvector", GUIDE_LIST),
    "'a'::tsquery": ("tsquery", GUIDE_LIST),
    "B'101'": ("BIT", GUIDE_LIST),
    "B'101'::varbit": ("VARBIT", GUIDE_LIST),
    "ROW(1, 2)": ("RECORD", GUIDE_LIST),
    "pg_sleep(0)": ("VOID", GUIDE_LIST),
    "'(0,1)'::tid": ("tid", GUIDE_LIST),
    "'0/1'::pg_lsn": ("pg_lsn", GUIDE_LIST),
    "'1'::xid": ("xid", GUIDE_LIST),
    "'$.a'::jsonpath": ("JSONPATH", GUIDE_LIST),
    "'08:00:2b:01:02:03:04:05'::macaddr8": ("MACADDR8", GUIDE_LIST),
    "ARRAY[interval '1 day']": ("INTERVAL[]", GUIDE_LIST),
    "ARRAY['\\x00'::bytea]": ("BYTEA[]", GUIDE_LIST),
    "ARRAY['10.0.0.1'::inet]": ("INET[]", GUIDE_LIST),
    "ARRAY[now()]": ("TIMESTAMPTZ[]", GUIDE_LIST),
    "ARRAY[1::oid]": ("OID[]", GUIDE_LIST),
    "ARRAY['pg_class'::regclass]": ("_regclass", GUIDE_LIST),
}
# What a SET LOCAL must not change, with the value that comes back all the same.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "TIME ZONE 'America/Sao_Paulo'": (
        "'2026-09-17 17:08:20.8+00'::timestamptz",
        {"stringValue": "2026-09-17 17:08:20.800"},
    ),
    "DateStyle = 'German'": ("'2026-09-17'::date", {"stringValue": "2026-09-17"}),
    "DateStyle = 'SQL, DMY'": ("'2026-09-17 17:08:20'::timestamp", {"stringValue": "2026-09-17 17:08:20"}),
    "bytea_output = 'escape'": ("'\\x00ff'::bytea", {"blobValue": "AP8="}),
    "extra_float_digits = -15": ("0.1::float8 + 0.2::float8", {"doubleValue": 0.30000000000000004}),
}


def long(value_: int) -> dict[str, int]:
    return {"longValue": value_}


def string(value_: str) -> dict[str, str]:
    return {"stringValue": value_}


def array(kind: str, *items: object) -> dict[str, object]:
    return {"arrayValue": {kind: list(items)}}


RULES: list[Rule] = [
    value("int2 is a longValue", "(-32768)::int2", long(-32768)),
    value("int4 is a longValue", "2147483647::int4", long(2147483647)),
    value("int8 is a longValue", "9223372036854775807::int8", long(9223372036854775807)),
    value("longReturnType STRING", "42::int8", string("42"), request={"resultSetOptions": STRINGS}),
    value("numeric is a stringValue with its scale", "1.50::numeric(5,2)", string("1.50")),
    value("numeric NaN", "'NaN'::numeric", string("NaN"), ASSUMED),
    value("DOUBLE_OR_LONG, scale 0", "12::numeric", long(12), request={"resultSetOptions": DOUBLES}),
    value("DOUBLE_OR_LONG, decimals", "1.50::numeric", {"doubleValue": 1.5}, request={"resultSetOptions": DOUBLES}),
    value(
        "DOUBLE_OR_LONG, more than a long holds",
        "1e20::numeric",
        {"doubleValue": 1e20},
        ASSUMED,
        request={"resultSetOptions": DOUBLES},
    ),
    value("float8 is a doubleValue", "0.1::float8", {"doubleValue": 0.1}),
    value(
        "float4 is the shortest decimal",
        "0.1::float4",
        {"doubleValue": 0.1},
        Source(Kind.ASSUMED, "as in an array, where data-api-client's suite has it"),
    ),
    value("an array of float4", "'{3.14,2.71}'::real[]", array("doubleValues", 3.14, 2.71), DATA_API_CLIENT),
    value("float8 NaN, as the protocol spells it", "'NaN'::float8", {"doubleValue": "NaN"}, MODEL),
    value("float8 -Infinity", "'-Infinity'::float8", {"doubleValue": "-Infinity"}, MODEL),
    value("bool is a booleanValue", "false", {"booleanValue": False}),
    value("bytea is a blobValue, in base64", "'\\xdeadbeef'::bytea", {"blobValue": "3q2+7w=="}),
    value("an empty bytea", "''::bytea", {"blobValue": ""}, ASSUMED),
    value("text is a stringValue", "'日本 🦆'::text", string("日本 🦆")),
    value("varchar", "'a'::varchar(3)", string("a")),
    value("bpchar keeps its padding", "'a'::char(3)", string("a  "), EZ4),
    value("name", "'n'::name", string("n")),
    value("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", string("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    value("inet", "'10.0.0.1/8'::inet", string("10.0.0.1/8")),
    value("cidr", "'10.0.0.0/8'::cidr", string("10.0.0.0/8")),
    value("an enumeration", "'red'::colour", string("red"), setup=("CREATE TYPE colour AS ENUM ('red')",)),
    value("date", "'2024-02-29'::date", string("2024-02-29")),
    value("time, as a timestamp's", "'12:34:56.5'::time", string("12:34:56.500"), EZ4),
    value("json keeps its text", "'{\"a\": 1}'::json", string('{"a": 1}')),
    value("jsonb is compact", '\'{"b": "x y", "a": [1, 2]}\'::jsonb', string('{"a":[1,2],"b":"x y"}'), PROXY),
    value(
        "jsonb strings keep spaces and escapes",
        r"""'{"k": "a: \"b\", c\\"}'::jsonb""",
        string(r'{"k":"a: \"b\", c\\"}'),
    ),
    value("vector", "'[1,2.5]'::vector", string("[1,2.5]"), setup=("CREATE EXTENSION vector",)),
    value("oid", "1::oid", string("1"), PROXY),
    value("timestamp without a fraction", "'2024-01-15 12:34:56'::timestamp", string("2024-01-15 12:34:56"), PROXY),
    value("timestamp, milliseconds", "'2024-01-15 12:34:56.5'::timestamp", string("2024-01-15 12:34:56.500"), PROXY),
    value(
        "timestamp, microseconds",
        "'2024-01-15 12:34:56.1234'::timestamp",
        string("2024-01-15 12:34:56.123400"),
        PROXY,
    ),
    value(
        "timestamptz in UTC, offset dropped",
        "'2024-01-15 12:34:56+09'::timestamptz",
        string("2024-01-15 03:34:56"),
        PROXY,
    ),
    value(
        "a timestamp before our era", "'0044-03-15 01:02:03 BC'::timestamp", string("0044-03-15 01:02:03 BC"), ASSUMED
    ),
    value("NULL", "NULL::int", {"isNull": True}),
    value("an untyped NULL", "NULL", {"isNull": True}),
    value("an array of integers", "ARRAY[1,2]::int4[]", array("longValues", 1, 2)),
    value("an array of floats", "ARRAY[0.5,2]::float8[]", array("doubleValues", 0.5, 2.0)),
    value("an array of booleans", "ARRAY[true,false]", array("booleanValues", True, False)),
    value("an array of texts", "ARRAY['a,\"b\"','{c}','NULL','']", array("stringValues", 'a,"b"', "{c}", "NULL", "")),
    value("an array of numerics", "ARRAY[1.50,2]::numeric[]", array("stringValues", "1.50", "2"), OPERATIONS),
    value(
        "an array of timestamps",
        "ARRAY['2024-01-15 12:34:56.5'::timestamp]",
        array("stringValues", "2024-01-15 12:34:56.500"),
    ),
    value("an empty array", "'{}'::int[]", array("longValues"), DATA_API_CLIENT),
    value("NULL inside an array", "ARRAY[1,NULL]", array("longValues", 1, None), DATA_API_CLIENT),
    refused(
        "an array of more than one dimension", "ARRAY[[1,2],[3,4]]", "The result contains a multidimensional array"
    ),
    *(refused(f"{name} is refused", sql, UNSUPPORTED.format(name), source) for sql, (name, source) in REFUSED.items()),
    Rule(
        summary="a refused type, in a result without rows",
        sql="SELECT interval '1 day' AS i WHERE false",
        source=CORRECTIONS,
        records=[],
    ),
    *(
        value(f"not changed by SET LOCAL {setting}", sql, field, EZ4, setup=(f"SET LOCAL {setting}",))
        for setting, (sql, field) in SETTINGS.items()
    ),
    value("a row of over 64 KB", "repeat('x', 100000)", string("x" * 100000), DATA_API_CLIENT),
    value("an array of jsonb", "ARRAY['{\"a\": 1}'::jsonb]", array("stringValues", '{"a":1}'), DATA_API_CLIENT),
    value(
        "an array of uuids",
        "ARRAY[uuid '550e8400-e29b-41d4-a716-446655440000']",
        array("stringValues", "550e8400-e29b-41d4-a716-446655440000"),
        DATA_API_CLIENT,
    ),
    value("int4range", "'[1,10]'::int4range", string("[1,11)"), DATA_API_CLIENT),
    value("int4range without a bound", "'[1,)'::int4range", string("[1,)"), DATA_API_CLIENT),
    value("numrange", "'[0.0,1.0)'::numrange", string("[0.0,1.0)"), DATA_API_CLIENT),
    value("an empty range", "'empty'::int4range", string("empty"), ASSUMED),
    value("an array of bit strings", "ARRAY[B'101']", array("stringValues", "101"), ASSUMED),
    *(
        Rule(
            summary=f"{summary}: InternalFailure, and no message",
            sql=f"SELECT {sql}",
            error="InternalFailure",
            status=500,
            source=PROXY,
        )
        for summary, sql in {
            "an infinite date": "'infinity'::date",
            "an infinite timestamp": "'-infinity'::timestamp",
            "an infinite timestamptz": "'infinity'::timestamptz",
        }.items()
    ),
]
