"""What synth says of migration files: each refusal with its place, each warning, each cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stchat.errors import FileError
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
MARKER = "must be `non-transactional` or `allow <kinds>: <why>`, kinds of drop, truncate, rewrite, not-null, index"
INDEX_FORM = (
    "write it as CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] <name> ON <table>, with names in a-z, 0-9 and _"
)

REFUSED = {
    "SELEC 1;": '1:1: syntax error at or near "SELEC"',
    "SELECT 'é';\n  SELEC 1;": '2:3: syntax error at or near "SELEC"',
    "CREATE TABLE t (": "1:17: syntax error at end of input",
    "SELECT 'a": '1:8: unterminated quoted string at or near "\'a "',
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
    f"{ALONE}CREATE INDEX CONCURRENTLY ON t (id);": f"2:1: {INDEX_FORM}",
    f'{ALONE}CREATE INDEX CONCURRENTLY "A b" ON t (id);': f"2:1: {INDEX_FORM}",
    f"{ALONE}CREATE INDEX/**/CONCURRENTLY a ON t (id);": f"2:1: {INDEX_FORM}",
    f"{ALONE}DROP INDEX CONCURRENTLY a, b;": (
        "2:1: write it as DROP INDEX CONCURRENTLY [IF EXISTS] <name>, with names in a-z, 0-9 and _"
    ),
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
    "SELECT 'a  \nb';": "1:10: blanks at the end of a line in a string: write || ' '",
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
    "ALTER TABLE t ADD UNIQUE (id);": [("index", f"the index of this constraint {LOCKED}")],
}


@pytest.mark.parametrize(("text", "costs"), WARNED.items(), ids=WARNED.keys())
def test_warned_in_dev_and_refused_in_prod(write_sql: WriteSql, text: str, costs: list[tuple[str, str]]) -> None:
    expected = [
        f"sql/app/0002_x.sql:1:1: {what}; if it is meant, say `-- stchat: allow {kind}: <why>`" for kind, what in costs
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
        "ALTER TABLE t ADD CHECK (id > 0);",
        "ALTER TABLE t ADD PRIMARY KEY USING INDEX i;",
        "CREATE TABLE u (id int); CREATE INDEX ON u (id); ALTER TABLE u ALTER id SET NOT NULL;",
        f"{ALONE}CREATE INDEX CONCURRENTLY i ON t (id);",
    ],
)
def test_what_costs_nothing_is_not_warned_of(write_sql: WriteSql, text: str) -> None:
    load(write_sql(TABLE, text), strict=True)


def test_marker_allows_no_other_kind(write_sql: WriteSql) -> None:
    warnings = load(write_sql(TABLE, "-- stchat: allow drop: old\nDROP TABLE u; TRUNCATE t;")).warnings
    assert warnings == ("sql/app/0002_x.sql:2:15: empties t; if it is meant, say `-- stchat: allow truncate: <why>`",)


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


def test_line_ends_and_blanks_change_neither_checksum_nor_cuts(write_sql: WriteSql) -> None:
    one, other = load(
        write_sql("SELECT 1;\n\nSELECT $$a\nb$$;\n", "\ufeffSELECT 1;  \r\n\r\nSELECT $$a \r\nb$$;")
    ).migrations
    assert (one.checksum, one.spans) == (other.checksum, other.spans)


def test_not_utf_8(write_sql: WriteSql) -> None:
    with pytest.raises(FileError, match=r"sql/app/0001_x.sql: must be UTF-8, got .* byte 0xff in position 0"):
        load(write_sql(b"\xff"))


def test_own_files() -> None:
    """The project's migrations pass as they must in prod."""
    names = [f"{m.database}/{m.name}" for m in load(Path(__file__).parents[3] / "sql", strict=True).migrations]
    assert names[:7] == [
        "postgres/0001_create_database.sql",
        "postgres/0002_roles.sql",
        "st_chat_db/0001_chat_history.sql",
        "st_chat_db/0002_vector.sql",
        "st_chat_db/0003_chat_memory.sql",
        "st_chat_db/0004_chat_history_many_rows_per_user.sql",
        "st_chat_db/0005_grants.sql",
    ]
