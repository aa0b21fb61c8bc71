"""What is refused before or after a statement runs: shapes, limits, PostgreSQL's own errors."""

from __future__ import annotations

from tests.integration.data_api.conformance.rule import (
    ASSUMED,
    CLI_8577,
    CORRECTIONS,
    DIFFERENCES,
    JSON_PAGE,
    MODEL,
    PROXY,
    TROUBLESHOOTING,
    Rule,
    Source,
    database_error,
    parameter,
)
from tests.integration.data_api.conformance.values_out import long, string

ONE_STATEMENT = "Multistatements aren't supported."
LONG_SQL = "SELECT '" + "x" * 65529
TOO_LARGE = "The result exceeds the size limit 1 MB"


def invalid(
    summary: str, message: str, error: str = "ValidationException", source: Source = MODEL, **request: object
) -> Rule:
    return Rule(summary=summary, request=request, error=error, message=message, source=source, outside=True)


def several(summary: str, sql: str) -> Rule:
    return Rule(summary=summary, sql=sql, error="ValidationException", message=ONE_STATEMENT, source=DIFFERENCES)


def one(summary: str, sql: str, source: Source = PROXY, setup: tuple[str, ...] = ()) -> Rule:
    return Rule(summary=summary, sql=sql, records=[[long(1)]], source=source, setup=setup)


RULES: list[Rule] = [
    several("one statement a call", "SELECT 1; SELECT 2"),
    several("one statement a call, of any kind", "CREATE TABLE a (); CREATE TABLE b ()"),
    one("a trailing semicolon is fine", "SELECT 1;"),
    one("so are several, space and comments", "SELECT 1 ; ; -- done;\n /* ; */ "),
    one("a semicolon in quotes is none", "SELECT length(';')"),
    Rule(
        summary="a semicolon in dollar quotes is none",
        sql="DO $x$ BEGIN PERFORM 1; PERFORM 2; END $x$",
        source=PROXY,
        body={"generatedFields": [], "numberOfRecordsUpdated": 0},
    ),
    one(
        "nor one in a body in SQL's own syntax",
        "SELECT f()",
        ASSUMED,
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 2; SELECT 1; END",),
    ),
    invalid("schema is refused", "The schema parameter isn't supported.", source=DIFFERENCES, schema="public"),
    invalid(
        "SQL of more than 65,536 characters",
        "1 validation error detected: Value '" + LONG_SQL[:256] + "' at 'sql' failed to satisfy constraint: "
        "Member must have length less than or equal to 65536",
        sql=LONG_SQL,
    ),
    invalid(
        "a member that is required",
        "1 validation error detected: Value null at 'sql' failed to satisfy constraint: Member must not be null",
        sql=None,
    ),
    invalid(
        "an enumeration",
        "1 validation error detected: Value 'XML' at 'formatRecordsAs' failed to satisfy constraint: Member must "
        "satisfy enum value set: [NONE, JSON]",
        formatRecordsAs="XML",
    ),
    invalid(
        "an enumeration inside a list",
        "1 validation error detected: Value 'X' at 'parameters.1.member.typeHint' failed to satisfy constraint: "
        "Member must satisfy enum value set: [JSON, UUID, TIMESTAMP, DATE, TIME, DECIMAL]",
        parameters=[parameter("a", long(1), "X")],
    ),
    invalid(
        "every broken constraint is named",
        "2 validation errors detected: Value null at 'sql' failed to satisfy constraint: Member must not be null; "
        "Value 'x' at 'resourceArn' failed to satisfy constraint: Member must have length greater than or equal to 11",
        sql=None,
        resourceArn="x",
    ),
    invalid(
        "a number where a string is wanted",
        "NUMBER_VALUE can not be converted to a String",
        "SerializationException",
        ASSUMED,
        sql=1,
    ),
    invalid(
        "a string where a boolean is wanted",
        "STRING_VALUE can not be converted to a Boolean",
        "SerializationException",
        ASSUMED,
        includeResultMetadata="true",
    ),
    invalid(
        "a long of more than 64 bits",
        "NUMBER_VALUE can not be converted to a Long",
        "SerializationException",
        ASSUMED,
        parameters=[parameter("a", long(2**63))],
    ),
    invalid(
        "a blob that is no base64",
        "STRING_VALUE can not be converted to a Blob",
        "SerializationException",
        ASSUMED,
        parameters=[parameter("a", {"blobValue": "%"})],
    ),
    invalid(
        "a Field with two members",
        "Union Field must have exactly one member set, got 2",
        "SerializationException",
        ASSUMED,
        parameters=[parameter("a", long(1) | string("x"))],
    ),
    Rule(
        summary="a result of over 1 MiB",
        sql="SELECT repeat('x', 1000) FROM generate_series(1, 1100)",
        error="UnsupportedResultException",
        message=TOO_LARGE,
        source=PROXY,
        outside=True,
    ),
    Rule(
        summary="JSON of over 10 MB",
        sql="SELECT repeat('x', 1000) FROM generate_series(1, 11000)",
        source=JSON_PAGE,
        request={"formatRecordsAs": "JSON"},
        error="BadRequestException",
        outside=True,
        message="Database response exceeded size limit",
    ),
    Rule(
        summary="ExecuteSql",
        path="/ExecuteSql",
        source=DIFFERENCES,
        outside=True,
        error="BadRequestException",
        message="The ExecuteSql operation isn't supported. Use ExecuteStatement or BatchExecuteStatement.",
    ),
    database_error(
        "Position, in characters of what PostgreSQL got",
        "SELECT '日本' FROM nowhere",
        'ERROR: relation "nowhere" does not exist; Position: 18; SQLState: 42P01',
    ),
    database_error(
        "a syntax error", "SELEKT 1", 'ERROR: syntax error at or near "SELEKT"; Position: 1; SQLState: 42601'
    ),
    database_error(
        "no Detail: it quotes the row",
        "INSERT INTO t VALUES (1)",
        'ERROR: duplicate key value violates unique constraint "t_pkey"; SQLState: 23505',
        setup=("CREATE TABLE t (i int PRIMARY KEY)", "INSERT INTO t VALUES (1)"),
        source=CORRECTIONS,
    ),
    database_error(
        "Hint",
        "SELECT lenght('a')",
        "ERROR: function lenght(unknown) does not exist; Hint: No function matches the given name and argument "
        "types. You might need to add explicit type casts.; Position: 8; SQLState: 42883",
    ),
    database_error(
        "RAISE, with a Detail, which is left out, and a Hint",
        "DO $$ BEGIN RAISE 'no' USING DETAIL = 'why', HINT = 'how', ERRCODE = 'P0042'; END $$",
        "ERROR: no; Hint: how; SQLState: P0042",
        source=ASSUMED,
    ),
    database_error(
        "after an error, a transaction is aborted",
        "SELECT 1",
        "ERROR: current transaction is aborted, commands ignored until end of transaction block; SQLState: 25P02",
        setup=("SELECT 1/0",),
    ),
    database_error(
        "CREATE DATABASE goes outside a transaction",
        "CREATE DATABASE x",
        "ERROR: CREATE DATABASE cannot run inside a transaction block; SQLState: 25001",
    ),
    database_error(
        "CREATE INDEX CONCURRENTLY too",
        "CREATE INDEX CONCURRENTLY ON t (i)",
        "ERROR: CREATE INDEX CONCURRENTLY cannot run inside a transaction block; SQLState: 25001",
        setup=("CREATE TABLE t (i int)",),
    ),
    database_error(
        "COPY to the client",
        "COPY (SELECT 1) TO STDOUT",
        "execute: unexpected message: CopyOutResponse",
        CORRECTIONS,
        outside=True,
    ),
    database_error(
        "a database that is not there",
        "SELECT 1",
        'ERROR: database "nope" does not exist; SQLState: 3D000',
        CLI_8577,
        request={"database": "nope"},
        outside=True,
    ),
    Rule(
        summary="a cluster that is not there",
        error="HttpEndpointNotEnabledException",
        source=ASSUMED,
        outside=True,
        request={"resourceArn": "arn:aws:rds:ap-northeast-1:000000000000:cluster:other"},
        message="HttpEndpoint is not enabled for resource arn:aws:rds:ap-northeast-1:000000000000:cluster:other",
    ),
    *(
        Rule(
            summary=summary,
            error="HttpEndpointNotEnabledException",
            source=TROUBLESHOOTING,
            outside=True,
            request={"resourceArn": arn},
            message=f"HttpEndpoint is not enabled for resource {arn}",
        )
        for summary, arn in {
            "an ARN in upper case": "ARN:AWS:RDS:AP-NORTHEAST-1:000000000000:CLUSTER:LOCAL",
            "a cluster in another region": "arn:aws:rds:eu-west-1:000000000000:cluster:local",
            "an ARN of another kind": "arn:aws:rds:ap-northeast-1:000000000000:db:local",
            "no ARN": "not an ARN at all",
        }.items()
    ),
    Rule(
        summary="a secret that is not there",
        error="SecretsErrorException",
        source=ASSUMED,
        outside=True,
        request={"secretArn": "arn:aws:secretsmanager:ap-northeast-1:000000000000:secret:none-abcdef"},
        message="Secrets Manager can't find the specified secret.",
    ),
    Rule(
        summary="a transaction that is not there",
        error="TransactionNotFoundException",
        status=404,
        outside=True,
        request={"transactionId": "AbC="},
        message="Transaction AbC= is not found: Transaction may be expired.",
        source=TROUBLESHOOTING,
    ),
    Rule(
        summary="a database other than the transaction's",
        error="BadRequestException",
        source=ASSUMED,
        request={"database": "template1"},
        message="Database name is not the same as transaction database name",
    ),
    Rule(
        summary="no database: that of the user's name",
        error="DatabaseErrorException",
        source=CLI_8577,
        outside=True,
        request={"database": None},
        message='ERROR: database "stchat" does not exist; SQLState: 3D000',
    ),
    Rule(
        summary="an extension that Aurora has and the embedded PostgreSQL has not: in words of our own",
        sql='CREATE EXTENSION IF NOT EXISTS "uuid-ossp"',
        error="DatabaseErrorException",
        source=ASSUMED,
        message='ERROR: extension "uuid-ossp" is not available in the PostgreSQL of the local Data API; '
        "Hint: Aurora PostgreSQL has more extensions; start the local Data API over a server that has this one: "
        "local-aws data-api --dsn postgresql://... (docs/data-api.md, Extensions); SQLState: 0A000",
    ),
    one("sessions are UTC", "SELECT (current_setting('timezone') = 'UTC')::int"),
    one(
        "a savepoint undoes an error",
        "SELECT i FROM t",
        setup=(
            "CREATE TABLE t (i int)",
            "INSERT INTO t VALUES (1)",
            "SAVEPOINT s",
            "INSERT INTO t VALUES (1/0)",
            "ROLLBACK TO s",
        ),
    ),
    one(
        "SET LOCAL works inside a transaction",
        "SELECT (current_setting('work_mem') = '7MB')::int",
        setup=("SET LOCAL work_mem = '7MB'",),
    ),
    one("so do temporary tables", "SELECT i FROM t", setup=("CREATE TEMP TABLE t (i int)", "INSERT INTO t VALUES (1)")),
    one("and PREPARE", "EXECUTE p", setup=("PREPARE p AS SELECT 1",)),
]
