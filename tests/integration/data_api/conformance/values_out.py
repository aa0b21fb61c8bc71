"""PostgreSQL's values as Fields."""

from __future__ import annotations

from tests.integration.data_api.conformance.rule import Rule, Source, refused, value

MEASURED, ASSUMED = Source.MEASURED, Source.ASSUMED
STRINGS = {"longReturnType": "STRING"}
DOUBLES = {"decimalReturnType": "DOUBLE_OR_LONG"}
UNSUPPORTED = "The result contains the unsupported data type {}."
REFUSED = {
    "interval": "interval '1 day'",
    "timetz": "'12:00+02'::timetz",
    "money": "1::money",
    "point": "'(1,2)'::point",
    "box": "'(1,2),(3,4)'::box",
    "circle": "'<(1,2),3>'::circle",
    "line": "'{1,2,3}'::line",
    "lseg": "'[(1,2),(3,4)]'::lseg",
    "path": "'[(1,2),(3,4)]'::path",
    "polygon": "'((1,2),(3,4))'::polygon",
    "xml": "NULL::xml",
    "char": "'a'::\"char\"",
    "regclass": "'pg_class'::regclass",
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
    value("float4 is a doubleValue, widened", "0.1::float4", {"doubleValue": 0.10000000149011612}, MEASURED),
    value("float8 NaN, as the protocol spells it", "'NaN'::float8", {"doubleValue": "NaN"}, Source.MODEL),
    value("float8 -Infinity", "'-Infinity'::float8", {"doubleValue": "-Infinity"}, Source.MODEL),
    value("bool is a booleanValue", "false", {"booleanValue": False}),
    value("bytea is a blobValue, in base64", "'\\xdeadbeef'::bytea", {"blobValue": "3q2+7w=="}),
    value("an empty bytea", "''::bytea", {"blobValue": ""}, ASSUMED),
    value("text is a stringValue", "'日本 🦆'::text", string("日本 🦆")),
    value("varchar", "'a'::varchar(3)", string("a")),
    value("bpchar keeps its padding", "'a'::char(3)", string("a  "), ASSUMED),
    value("name", "'n'::name", string("n")),
    value("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", string("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    value("inet", "'10.0.0.1/8'::inet", string("10.0.0.1/8")),
    value("cidr", "'10.0.0.0/8'::cidr", string("10.0.0.0/8")),
    value("an enumeration", "'red'::colour", string("red"), setup=("CREATE TYPE colour AS ENUM ('red')",)),
    value("date", "'2024-02-29'::date", string("2024-02-29")),
    value("time", "'12:34:56.5'::time", string("12:34:56.5"), ASSUMED),
    value("json keeps its text", "'{\"a\": 1}'::json", string('{"a": 1}')),
    value("jsonb is compact", '\'{"b": "x y", "a": [1, 2]}\'::jsonb', string('{"a":[1,2],"b":"x y"}'), MEASURED),
    value(
        "jsonb strings keep spaces and escapes",
        r"""'{"k": "a: \"b\", c\\"}'::jsonb""",
        string(r'{"k":"a: \"b\", c\\"}'),
    ),
    value("vector", "'[1,2.5]'::vector", string("[1,2.5]"), setup=("CREATE EXTENSION vector",)),
    value("oid", "1::oid", string("1")),
    value("timestamp without a fraction", "'2024-01-15 12:34:56'::timestamp", string("2024-01-15 12:34:56"), MEASURED),
    value("timestamp, milliseconds", "'2024-01-15 12:34:56.5'::timestamp", string("2024-01-15 12:34:56.500"), MEASURED),
    value(
        "timestamp, microseconds",
        "'2024-01-15 12:34:56.1234'::timestamp",
        string("2024-01-15 12:34:56.123400"),
        MEASURED,
    ),
    value(
        "timestamptz in UTC, offset dropped",
        "'2024-01-15 12:34:56+09'::timestamptz",
        string("2024-01-15 03:34:56"),
        MEASURED,
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
    value("an array of numerics", "ARRAY[1.50,2]::numeric[]", array("stringValues", "1.50", "2"), ASSUMED),
    value(
        "an array of timestamps",
        "ARRAY['2024-01-15 12:34:56.5'::timestamp]",
        array("stringValues", "2024-01-15 12:34:56.500"),
    ),
    value(
        "an array of vectors",
        "ARRAY['[1,2]'::vector]",
        array("stringValues", "[1,2]"),
        ASSUMED,
        setup=("CREATE EXTENSION vector",),
    ),
    value("an empty array", "'{}'::int[]", array("longValues"), ASSUMED),
    value("NULL inside an array", "ARRAY[1,NULL]", array("longValues", 1, None), ASSUMED),
    refused(
        "an array of more than one dimension", "ARRAY[[1,2],[3,4]]", "The result contains a multidimensional array"
    ),
    *(refused(f"{name} is refused", sql, UNSUPPORTED.format(name.upper())) for name, sql in REFUSED.items()),
    refused("an array of a refused type", "ARRAY[interval '1 day']", UNSUPPORTED.format("_INTERVAL"), ASSUMED),
    *(
        Rule(
            says=f"{says}: InternalFailure, and no message",
            sql=f"SELECT {sql}",
            error="InternalFailure",
            status=500,
            source=MEASURED,
        )
        for says, sql in {
            "an infinite date": "'infinity'::date",
            "an infinite timestamp": "'-infinity'::timestamp",
            "an infinite timestamptz": "'infinity'::timestamptz",
        }.items()
    ),
]
