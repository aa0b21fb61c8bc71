"""What synth reports of migration files: each refusal with its location, each warning, each split."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stchat.errors import FileError
from stchat.schema.migration import Migration, Target
from stchat.sql_lint.parse import load

WriteSql = Callable[..., Path]


@pytest.fixture
def write_sql(tmp_path: Path) -> WriteSql:
    """Writes texts as sql/app/0001_x.sql and so on, and answers the folder sql/."""

    def write(*texts: str | bytes) -> Path:
        folder = tmp_path / "sql" / "app"
        folder.mkdir(parents=True)
        for number, text in enumerate(texts, start=1):
            (folder / f"{number:04}_x.sql").write_bytes(text.encode() if isinstance(text, str) else text)
        return folder.parent

    return write


ALONE = "-- stchat: non-transactional\n"
WAY = "begin the file with the line `-- stchat: non-transactional`"
DATA_API = "put a blank after the colon, as in [1: 2]"
MARKER = (
    "must be `non-transactional` or `allow <kinds>: <why>`, kinds of "
    "drop, truncate, delete, update, rewrite, scan, not-null, index, lock"
)
ENDS = (
    "ends a transaction that is the runner's: leave it out, or split the work into statements of a file with the line"
    " `-- stchat: non-transactional`"
)
UNNAMED = "give the index a name: by it a deploy finds the index again after a break"
SESSION = "which a migration does not keep"

REFUSED = {
    "SELEC 1;": '1:1: syntax error at or near "SELEC"',
    "SELECT 'é';\n  SELEC 1;": '2:3: syntax error at or near "SELEC"',
    "CREATE TABLE t (": "1:17: syntax error at end of input",
    "SELECT 'a": '1:8: unterminated quoted string at or near "\'a"',
    "SELECT 1;\n\\connect x": "2:1: a command of psql, which PostgreSQL does not know: write it in SQL",
    "BEGIN; SELECT 1; COMMIT;": (
        "1:1: the transaction is the runner's: leave BEGIN, COMMIT, ROLLBACK and savepoints out"
    ),
    "SELECT 1; SAVEPOINT a;": (
        "1:11: the transaction is the runner's: leave BEGIN, COMMIT, ROLLBACK and savepoints out"
    ),
    "COPY t FROM STDIN;": "1:1: COPY does not go through the Data API: write INSERT",
    "DROP DATABASE x;": "1:1: dropping a database is no migration: drop it by hand",
    "": "1:1: has no statement: delete the file, or write one",
    "-- nothing\n;": "1:1: has no statement: delete the file, or write one",
    "CREATE DATABASE x;": f"1:1: cannot run in a transaction: {WAY}",
    "CREATE INDEX CONCURRENTLY a ON t (id);": f"1:1: cannot run in a transaction: {WAY}",
    "VACUUM t;": "1:1: VACUUM is autovacuum's work: leave it out, or run it by hand",
    f"{ALONE}CREATE INDEX CONCURRENTLY ON t (id);": f"2:1: {UNNAMED}",
    f"{ALONE}DROP INDEX CONCURRENTLY a, b;": (
        "2:1: DROP INDEX CONCURRENTLY takes one index: write a statement for each"
    ),
    "CLUSTER;": "1:1: CLUSTER of every table can run in no transaction: name the table",
    "DISCARD ALL;": f"1:1: DISCARD clears a session, {SESSION}: leave it out",
    "ALTER DATABASE a SET TABLESPACE b;": "1:1: Aurora has one tablespace: leave it out",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p;": (
        "1:1: a subscription copies rows for as long as it is there: create it by hand"
    ),
    "DROP SUBSCRIPTION s;": "1:1: a subscription copies rows for as long as it is there: drop it by hand",
    "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);": (
        "1:1: the Data API takes the semicolon between two actions of a rule for the end: write two rules"
    ),
    "SET ROLE r; SELECT 1;": (
        "1:1: the role that is set would record the migration, and may not: add RESET ROLE after its statements"
    ),
    "SET TRANSACTION READ ONLY;": "1:1: a transaction that only reads cannot record that it is done: leave it out",
    "DO $$ BEGIN IF true THEN COMMIT; END IF; END $$;": f"1:1: COMMIT in DO {ENDS}",
    "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$; CALL p();": (
        f"1:69: COMMIT or ROLLBACK in CALL {ENDS}"
    ),
    "PREPARE q AS SELECT 1;": f"1:1: a prepared statement needs a session, {SESSION}: write the statement itself",
    f"{ALONE}REINDEX INDEX CONCURRENTLY a;": (
        "2:1: REINDEX that can run in no transaction is no migration: create a new index and drop the old one"
    ),
    f"{ALONE}SET work_mem = '1GB';": (
        "2:1: a SET is lost with its call here: leave it out, or make the file transactional"
    ),
    f"{ALONE}ALTER TABLE p DETACH PARTITION q CONCURRENTLY;": (
        "2:1: DETACH PARTITION cannot be CONCURRENTLY in a migration: leave CONCURRENTLY out"
    ),
    "SELECT $$ a :b $$;": (
        "1:13: the Data API would take :b in a dollar-quoted body for a parameter:"
        " put a blank after the colon, or chr(58) in a string"
    ),
    "SELECT a[1:2];": f"1:11: the Data API would take :2 for a parameter: {DATA_API}",
    "SELECT a[low:high];": f"1:13: the Data API would take :high for a parameter: {DATA_API}",
    "SELECT $$it's$$, ':a';": f"1:19: the Data API would take :a for a parameter: {DATA_API}",
    "-- stchat: transactional\nSELECT 1;": f"1:1: not a marker, got 'transactional': {MARKER}",
    "SELECT 1; -- stchat: allow drop\n": f"1:11: not a marker, got 'allow drop': {MARKER}",
    "-- stchat: allow drops: old\nSELECT 1;": f"1:1: not a marker, got 'allow drops: old': {MARKER}",
    f"SELECT '{'x' * 65_530}';": "1:1: 65,539 characters, the Data API takes 65,536: split it",
}


@pytest.mark.parametrize(("text", "error"), REFUSED.items(), ids=range(len(REFUSED)))
def test_refused(write_sql: WriteSql, text: str, error: str) -> None:
    with pytest.raises(FileError) as raised:
        load(write_sql("SELECT 1;", text))
    assert str(raised.value) == f"sql/app/0002_x.sql:{error}"


TABLE = "CREATE TABLE t (id int, name varchar(10), price numeric(5,2));"
LOCKED = "locks t while it is built: build it CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX"
REWRITE = "rewrites t and locks it: add a new column"
ADDS, FILLS = "adding x with", "rewrites t and locks it:"
DEFAULT = "add it without, SET DEFAULT, and fill old rows in steps"
NOT_VALID = "add it NOT VALID, and VALIDATE it in the next file"
EVERY = "every row: write WHERE, or `WHERE true` if every row is meant"

WARNED = {
    "DROP TABLE t, s.u;": [("drop", "drops t, s.u")],
    "DROP FUNCTION f(int);": [("drop", "drops f")],
    "DROP ROLE r;": [("drop", "drops a role or what it owns")],
    "TRUNCATE t, u;": [("truncate", "empties t, u")],
    "ALTER TABLE t DROP id, DROP CONSTRAINT c;": [("drop", "drops id of t"), ("drop", "drops c of t")],
    "ALTER TABLE t ALTER id TYPE bigint;": [("rewrite", f"changing the type of id {REWRITE}")],
    "ALTER TABLE t ALTER name TYPE varchar(5);": [("rewrite", f"changing the type of name {REWRITE}")],
    "ALTER TABLE t ALTER name TYPE text USING lower(name);": [("rewrite", f"changing the type of name {REWRITE}")],
    "ALTER TABLE t ALTER price TYPE numeric(7,3);": [("rewrite", f"changing the type of price {REWRITE}")],
    "ALTER TABLE t ALTER id SET NOT NULL;": [
        (
            "not-null",
            "SET NOT NULL reads all of t and locks it: add CHECK (id IS NOT NULL) NOT VALID and validate it before",
        )
    ],
    "CREATE INDEX ON t (id);": [
        ("index", "this index locks t against writes while it is built: build it CONCURRENTLY")
    ],
    "ALTER TABLE t ADD x float DEFAULT random();": [("rewrite", f"{ADDS} a volatile default {FILLS} {DEFAULT}")],
    "ALTER TABLE t ADD x uuid DEFAULT gen_random_uuid();": [
        ("rewrite", f"{ADDS} a volatile default {FILLS} {DEFAULT}")
    ],
    "ALTER TABLE t ADD x bigserial;": [
        ("rewrite", f"{ADDS} a serial {FILLS} add a bigint, fill it in steps, then SET DEFAULT nextval")
    ],
    "ALTER TABLE t ADD x int GENERATED ALWAYS AS IDENTITY;": [
        ("rewrite", f"{ADDS} an identity {FILLS} add a bigint, fill it in steps, then make it an identity")
    ],
    "ALTER TABLE t ADD x int GENERATED ALWAYS AS (id + 1) STORED;": [
        ("rewrite", f"{ADDS} a generated value {FILLS} add a plain column, and fill it by a trigger and in steps")
    ],
    "ALTER TABLE t SET UNLOGGED;": [("rewrite", "SET UNLOGGED rewrites t and locks it")],
    "ALTER TABLE t SET ACCESS METHOD heap;": [("rewrite", "SET ACCESS METHOD rewrites t and locks it")],
    "CLUSTER t USING i;": [("rewrite", "CLUSTER rewrites t and locks it")],
    "REFRESH MATERIALIZED VIEW m;": [("rewrite", "REFRESH rewrites m and locks it: refresh it CONCURRENTLY")],
    "ALTER TABLE t ADD CHECK (id > 0);": [("scan", f"this CHECK reads all of t and locks it: {NOT_VALID}")],
    "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u;": [
        ("scan", f"this FOREIGN KEY reads all of t and locks it and u against writes: {NOT_VALID}")
    ],
    "ALTER TABLE t ADD EXCLUDE USING gist (id WITH =);": [
        ("index", "the index of this EXCLUDE constraint locks t while it is built")
    ],
    "REINDEX TABLE t;": [
        ("index", "REINDEX locks t while it is built: build a new index CONCURRENTLY"),
    ],
    "DELETE FROM t;": [("delete", f"deletes from t {EVERY}")],
    "UPDATE t SET id = 1;": [("update", f"changes in t {EVERY}")],
    "LOCK TABLE t;": [("lock", "locks t to the end of the transaction")],
    "DO $$ BEGIN DROP TABLE t; END $$;": [("drop", "drops t (in the body of DO)")],
    "DO $$ BEGIN IF true THEN TRUNCATE t; END IF; END $$;": [("truncate", "empties t (in the body of DO)")],
    "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$;": [("drop", "drops t (in the body of DO)")],
    "DO $$ BEGIN EXECUTE 'TRUNCATE ' || 't'; END $$;": [
        ("truncate", "empties a_table_named_at_run_time (in the body of DO)")
    ],
    "ALTER TABLE t ADD UNIQUE (id);": [("index", f"the index of this constraint {LOCKED}")],
}


@pytest.mark.parametrize(("text", "costs"), WARNED.items(), ids=WARNED.keys())
def test_warned_in_dev_and_refused_in_prod(write_sql: WriteSql, text: str, costs: list[tuple[str, str]]) -> None:
    expected = [
        f"sql/app/0002_x.sql:1:1: {what}; if it is meant, write `-- stchat: allow {kind}: <why>`"
        for kind, what in costs
    ]
    directory = write_sql(TABLE, text)
    assert list(load(directory).warnings) == expected
    with pytest.raises(FileError) as raised:
        load(directory, strict=True)
    assert str(raised.value) == "\n".join(expected)


@pytest.mark.parametrize("text", WARNED)
def test_what_a_file_means_is_not_warned_of(write_sql: WriteSql, text: str) -> None:
    kinds = ", ".join(sorted({kind for kind, _ in WARNED[text]}))
    load(write_sql(TABLE, f"-- stchat: allow {kinds}: the table is empty\n{text}"), strict=True)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ALTER name TYPE text;",
        "ALTER TABLE t ALTER name TYPE varchar(20);",
        "ALTER TABLE t ALTER price TYPE numeric(7,2);",
        "ALTER TABLE t ADD CHECK (id > 0) NOT VALID;",
        "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u NOT VALID;",
        "ALTER TABLE t VALIDATE CONSTRAINT c;",
        "ALTER TABLE t ADD x timestamptz DEFAULT now();",
        "ALTER TABLE t ADD x int REFERENCES u;",
        "DELETE FROM t WHERE true;",
        "SET ROLE r; SELECT 1; RESET ROLE;",
        f'{ALONE}CREATE INDEX /* no lock */ CONCURRENTLY "A b" ON "T" (id);',
        "ALTER TABLE t ADD PRIMARY KEY USING INDEX i;",
        "CREATE TABLE u (id int); CREATE INDEX ON u (id); ALTER TABLE u ALTER id SET NOT NULL;",
        f"{ALONE}CREATE INDEX CONCURRENTLY i ON t (id);",
    ],
)
def test_what_costs_nothing_is_not_warned_of(write_sql: WriteSql, text: str) -> None:
    load(write_sql(TABLE, text), strict=True)


def test_marker_allows_no_other_kind(write_sql: WriteSql) -> None:
    warnings = load(write_sql(TABLE, "-- stchat: allow drop: old\nDROP TABLE u; TRUNCATE t;")).warnings
    assert warnings == ("sql/app/0002_x.sql:2:15: empties t; if it is meant, write `-- stchat: allow truncate: <why>`",)


def test_names_and_numbers(tmp_path: Path) -> None:
    def refused(database: str, *files: str) -> str:
        folder = tmp_path / "-".join((database, *files)) / database
        folder.mkdir(parents=True)
        for file in files:
            (folder / file).write_text("SELECT 1;")
        with pytest.raises(FileError) as raised:
            load(folder.parent)
        return str(raised.value)

    assert refused("app", "0001_a.sql", "0003_b.sql") == (
        "sql/app/0003_b.sql: number 0003 comes where 0002 must: numbers go on by one"
    )
    assert refused("app", "0001_a.sql", "0001_b.sql") == (
        "sql/app/0001_b.sql: number 0001 comes where 0002 must: numbers go on by one"
    )
    assert refused("app", "1_a.sql") == (
        "sql/app/1_a.sql: name it NNNN_<what>.sql in a-z, 0-9 and _, such as 0001_add_theme.sql"
    )
    assert refused("my.app", "0001_a.sql") == ("sql/my.app: must be a folder named after a database in a-z, 0-9 and _")


def test_postgres_runs_first(tmp_path: Path) -> None:
    for database in ("app", "zoo", "postgres"):
        (tmp_path / database).mkdir()
        (tmp_path / database / "0001_a.sql").write_text("SELECT 1;")
    assert [file.database for file in load(tmp_path).migrations] == ["postgres", "app", "zoo"]


def test_line_ends_and_blanks_change_what_runs_but_not_the_checksum(write_sql: WriteSql) -> None:
    texts = "SELECT 1;\n\nSELECT $$a\nb$$;\n", "\ufeffSELECT 1;  \r\n\r\nSELECT $$a \r\nb$$;"
    directory = write_sql(*texts)
    one, other = load(directory).migrations
    assert one.checksum == other.checksum
    assert [statement.text for statement in one.read(directory).statements] == ["SELECT 1", "SELECT $$a\nb$$"]
    assert [statement.text for statement in other.read(directory).statements] == ["SELECT 1", "SELECT $$a \r\nb$$"]


def test_a_string_keeps_its_blanks_and_a_lone_carriage_return(write_sql: WriteSql) -> None:
    directory = write_sql("SELECT $md$line.  \nnext$md$, 'a\rb';\rSELECT 2;")
    (migration,) = load(directory).migrations
    first, second = migration.read(directory).statements
    assert first.text == "SELECT $md$line.  \nnext$md$, 'a\rb'"
    assert second.text == "SELECT 2"


def test_names_are_what_the_grammar_reads(write_sql: WriteSql) -> None:
    long = "i" * 64
    text = (
        f'{ALONE}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "A b" ON ONLY "S"."T" (a);\n'
        f"CREATE INDEX CONCURRENTLY {long} /* ON */ ON Tab (a);\n"
        'DROP INDEX CONCURRENTLY IF EXISTS "S"."A b";\nCREATE DATABASE "Data";'
    )
    (migration,) = load(write_sql(text)).migrations
    index = "create index concurrently"
    assert list(migration.targets.values()) == [
        Target(index, "A b", "S", "T", conditional=True, unique=True, rest=68),
        Target(index, "i" * 63, "", "tab", rest=106),
        Target("drop index concurrently", "A b", "S", conditional=True),
        Target("create database", "Data"),
    ]
    assert Migration.from_property(migration.to_property()) == migration


@pytest.mark.parametrize("operators", [50, 3000])
def test_an_expression_of_many_operators(write_sql: WriteSql, operators: int) -> None:
    """Deeper than protobuf decodes, which PostgreSQL's grammar takes."""
    load(write_sql("SELECT " + " || ".join(["'a'"] * operators) + ";\nSELECT 1;"))


def test_many_statements_take_linear_time(write_sql: WriteSql) -> None:
    """With a character that is more than one byte, and with one statement a line."""
    began = time.process_time()
    directory = write_sql("CREATE TABLE t (a text);\n" + "INSERT INTO t VALUES ('é', 1);\n" * 20_000)
    load(directory).migrations[0].read(directory)
    assert time.process_time() - began < 15


def test_not_utf_8(write_sql: WriteSql) -> None:
    with pytest.raises(FileError, match=r"sql/app/0001_x.sql: must be UTF-8, got .* byte 0xff in position 0"):
        load(write_sql(b"\xff"))


def test_own_files() -> None:
    """The project's migrations pass as they must in prod."""
    names = [f"{m.database}/{m.name}" for m in load(Path(__file__).parents[3] / "sql", strict=True).migrations]
    assert names[:9] == [
        "postgres/0001_create_database.sql",
        "postgres/0002_roles.sql",
        "postgres/0003_role_limits.sql",
        "postgres/0004_app_iam_role.sql",
        "st_chat_db/0001_chat_history.sql",
        "st_chat_db/0002_vector.sql",
        "st_chat_db/0003_chat_memory.sql",
        "st_chat_db/0004_chat_history_many_rows_per_user.sql",
        "st_chat_db/0005_grants.sql",
    ]
