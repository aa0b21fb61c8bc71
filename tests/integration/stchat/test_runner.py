"""What an apply does with good files, with files that fail, and with files that do not fit the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stchat.errors import LedgerError, StatementError
from tests.support.faults import Faulty
from tests.support.project import ALONE, Project

TABLE = "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);"
INDEX = ALONE + "INSERT INTO t VALUES (2);\nCREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id);"


def failure(run: Callable[[], Any]) -> str:
    with pytest.raises(StatementError) as raised:
        run()
    return str(raised.value)


def test_apply_and_apply_again(project: Project) -> None:
    runner = project.write(TABLE, INDEX).runner("deploy one")
    assert [script.migration.name for script, _ in runner.pending()] == ["0001_x.sql", "0002_x.sql"]
    assert runner.apply()
    client = Faulty(project.api.client)
    assert project.runner(client=client).apply()
    assert client.calls == 1, "a no-op is one call for a database"
    assert project.ledger("version", "name", "deploy", "statements", "duration_ms >= 0 AS timed", "error") == [
        {"version": 1, "name": "0001_x.sql", "deploy": "deploy one", "statements": 2, "timed": True, "error": None},
        {"version": 2, "name": "0002_x.sql", "deploy": "deploy one", "statements": 2, "timed": True, "error": None},
    ]


def test_reading_writes_nothing(project: Project) -> None:
    project.write(TABLE).runner().pending()
    assert project.column("SELECT count(*) FROM pg_class WHERE relname = 'schema_migrations'") == [0]


def test_a_transactional_file_that_fails_leaves_nothing(project: Project) -> None:
    broken = "CREATE TABLE u (id int);\n\nINSERT INTO u\n  VALUES ('x');"
    assert failure(project.write(TABLE, broken, "SELECT 1;").runner().apply) == (
        f"{project.path(2)}:4: invalid input syntax for type integer;"
        " the values are in the cluster's log alone (SQLSTATE 22P02)"
    )
    assert project.ledger("version") == [{"version": 1}]
    assert project.column("SELECT to_regclass('u') IS NULL") == [True]
    assert project.write(TABLE, broken.replace("'x'", "7"), "SELECT 1;").runner().apply()
    assert project.column("SELECT id FROM u") == [7]


def test_a_result_that_the_data_api_cannot_return(project: Project) -> None:
    assert failure(project.write("CREATE TABLE t ();\nSELECT pg_sleep(0);").runner().apply) == (
        f"{project.path(1)}:2: UnsupportedResultException: The result contains the unsupported data type VOID."
        "; a migration needs no result: use PERFORM in a DO block"
    )
    assert project.column("SELECT to_regclass('t') IS NULL") == [True]


def test_detail_and_hint_are_reported(project: Project) -> None:
    assert failure(project.write(TABLE, "SELECT idd FROM t;").runner().apply) == (
        f'{project.path(2)}:1: column "idd" does not exist; Perhaps you meant to reference the column "t.id".'
        " (SQLSTATE 42703)"
    )
    assert failure(project.write(TABLE, TABLE).runner().apply) == (
        f'{project.path(2)}:1: relation "t" already exists; if it was made by hand,'
        " see `stchat schema baseline` (SQLSTATE 42P07)"
    )


def test_a_file_that_stopped_goes_on_from_there(project: Project) -> None:
    """The duplicate makes the unique index fail; what the file did before that is not done twice."""
    twice = TABLE + "INSERT INTO t VALUES (2);"
    message = (
        f'{project.path(2)}:3: could not create unique index "t_id";'
        " the values are in the cluster's log alone (SQLSTATE 23505)"
    )
    assert failure(project.write(twice, INDEX).runner("one").apply) == message
    assert project.ledger("statements", "applied_at", "error", "holder")[1] == {
        "statements": 1, "applied_at": None, "error": message, "holder": None,
    }  # fmt: skip
    assert project.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [0], "no broken index stays behind"

    fixed = INDEX.replace("CREATE", "DELETE FROM t WHERE ctid = (SELECT max(ctid) FROM t);\nCREATE")
    assert project.write(twice, fixed).runner("two").apply()
    assert project.column("SELECT id FROM t ORDER BY id") == [1, 2]
    assert project.ledger("deploy", "statements", "error")[1] == {"deploy": "two", "statements": 3, "error": None}


def test_a_file_that_stopped_may_lose_what_is_left_of_it(project: Project) -> None:
    failure(project.write(TABLE, ALONE + "INSERT INTO t VALUES (2);\nSELECT 1/0;").runner().apply)
    assert project.write(TABLE, ALONE + "INSERT INTO t VALUES (2);").runner().apply()
    assert project.column("SELECT id FROM t ORDER BY id") == [1, 2]
    assert project.runner().pending() == []


def test_what_has_run_of_a_file_that_stopped_cannot_change(project: Project) -> None:
    failure(project.write(TABLE, INDEX + "SELECT 1/0;").runner().apply)
    changed = INDEX.replace("(2)", "(3)")
    with pytest.raises(LedgerError) as raised:
        project.write(TABLE, changed).runner().apply()
    assert str(raised.value) == (
        f"{project.path(2)}: its first 2 statement(s) have run, and are not in the file any more:"
        " put them back as they were, and change only what comes after them"
    )


def test_a_rollback_brings_fewer_files(project: Project) -> None:
    assert project.write(TABLE, INDEX).runner().apply()
    assert project.write(TABLE).runner().apply()
    assert len(project.ledger("version")) == 2


def test_a_rollback_after_a_file_that_stopped(project: Project) -> None:
    failure(project.write(TABLE, ALONE + "SELECT 1; SELECT 1/0;").runner().apply)
    assert project.write(TABLE).runner().apply()


def test_a_changed_file_is_refused_before_anything_runs(project: Project) -> None:
    assert project.write(TABLE).runner().apply()
    with pytest.raises(LedgerError, match="changed since it was applied on"):
        project.write(TABLE + "SELECT 1;", "CREATE TABLE u ();").runner().apply()
    assert project.column("SELECT to_regclass('u') IS NULL") == [True]


SECRET = "what a user wrote"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "INSERT INTO t VALUES ('{}')",
            'new row for relation "t" violates check constraint "short"; VALUES (SQLSTATE 23514)',
        ),
        ("SELECT '{}'::int", "invalid input syntax for type integer; VALUES (SQLSTATE 22P02)"),
        ("SELECT '{}'::date", "invalid input syntax for type date; VALUES (SQLSTATE 22007)"),
        (
            "DO $$ BEGIN RAISE check_violation USING MESSAGE = 'no {}'; END $$",
            "a row violates a constraint; VALUES (SQLSTATE 23514)",
        ),
        ("SELECT to_date('{}', 'YYYY')", "a value cannot be what it has to be; VALUES (SQLSTATE 22007)"),
    ],
)
def test_no_value_of_a_row_leaves(
    project: Project, statement: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "stchat")
    table = "CREATE TABLE t (a text CONSTRAINT short CHECK (length(a) < 5));"
    text = failure(project.write(table, ALONE + statement.format(SECRET)).runner().apply)
    assert text == f"{project.path(2)}:2: " + message.replace("VALUES", "the values are in the cluster's log alone")
    assert project.ledger("error")[1] == {"error": text}
    assert SECRET not in caplog.text


def test_what_runs_is_the_file_byte_for_byte(project: Project) -> None:
    text = "CREATE TABLE t (a text);\r\nINSERT INTO t VALUES ($md$line.  \nnext$md$), ('a\rb'), ('c\r\nd');"
    project.write("SELECT 1;")
    (project.directory / project.api.database / "0001_x.sql").write_bytes(text.encode())
    assert project.runner().apply()
    assert project.column("SELECT a FROM t") == ["line.  \nnext", "a\rb", "c\r\nd"]


NAMES = 'CREATE SCHEMA "S"; CREATE TABLE "S"."T t" ("A" int, b int); CREATE TABLE other (a int);'


def test_names_are_what_the_grammar_reads(project: Project) -> None:
    long = "i" * 70
    project.write(
        NAMES,
        f'{ALONE}CREATE INDEX /* a comment */ CONCURRENTLY "I i" ON "S"."T t" ("A") WHERE b > 0;\n'
        f'CREATE INDEX CONCURRENTLY {long} ON Other (A);\nDROP INDEX CONCURRENTLY "S"."I i";',
        'CREATE INDEX ON /* ON t */ "S"."T t" ("A");',
    )
    assert project.runner().apply()
    assert project.column("SELECT relname::text FROM pg_class WHERE relname LIKE 'i%' AND relkind = 'i'") == ["i" * 63]


def test_an_index_is_judged_by_its_definition(project: Project) -> None:
    table = "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (b);"
    index = ALONE + "CREATE INDEX CONCURRENTLY {}i ON t (a);"
    for conditional in ("", "IF NOT EXISTS "):
        assert failure(project.write(table, index.format(conditional)).runner().apply) == (
            f"{project.path(2)}:2: index i of t is there as USING btree (b), and this statement makes USING btree (a):"
            " drop that one in a statement before, or give this one another name"
        )
    project.api.execute("DROP INDEX i")
    project.api.execute("CREATE INDEX i ON t (a)")
    assert project.runner().apply(), "that is what the statement makes"


def test_a_name_that_something_else_has(project: Project) -> None:
    table = "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE INDEX i ON u (a);"
    index = ALONE + "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);"
    assert failure(project.write(table, index).runner().apply) == (
        f"{project.path(2)}:2: i is the name of something else in the schema of t, not of an index on it:"
        " give the index another name"
    )


def test_an_index_that_is_not_there_is_not_dropped(project: Project) -> None:
    drop = ALONE + "DROP INDEX CONCURRENTLY {}typo;"
    assert failure(project.write(TABLE, drop.format("")).runner().apply) == (
        f"{project.path(2)}:2: index typo does not exist: correct its name, or write IF EXISTS"
    )
    assert project.write(TABLE, drop.format("IF EXISTS ")).runner().apply()


def test_an_index_that_was_left_broken_is_built_again(project: Project) -> None:
    """As a server that is killed leaves it, with the memory still set for it."""
    assert project.write(TABLE).runner().apply()
    project.api.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        project.api.execute("CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id)")
    project.api.execute("DELETE FROM t")
    project.api.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {project.api.database} SET maintenance_work_mem = '99MB'")
    assert project.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [1]
    assert project.write(TABLE, INDEX).runner().apply()
    assert project.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id'::regclass") == [True]
    assert project.column("SELECT count(*) FROM pg_db_role_setting WHERE setrole <> 0") == [0]


def test_a_ledger_of_another_tool(project: Project) -> None:
    project.api.execute("CREATE TABLE schema_migrations (version text)")
    with pytest.raises(LedgerError) as raised:
        project.write(TABLE).runner().apply()
    assert str(raised.value) == (
        f"{project.api.database}: its table schema_migrations is another tool's"
        ' (column "name" does not exist): rename it'
    )


def test_a_database_that_no_migration_creates(project: Project) -> None:
    project.write(TABLE)
    (project.directory / project.api.database).rename(project.directory / "nowhere")
    with pytest.raises(StatementError) as raised:
        project.runner().apply()
    assert str(raised.value) == (
        'sql/nowhere/0001_x.sql: database "nowhere" does not exist;'
        " make the database in a migration of sql/postgres/ (SQLSTATE 3D000)"
    )


BIG = "CREATE TABLE t AS SELECT n AS id, repeat(md5(n::text), 30) AS text FROM generate_series(1, 70000) AS n;"


class Watched:
    """Notes what maintenance_work_mem an index is built with, and whether the role has a setting of its own for it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.memory: list[object] = []
        self.settings: list[object] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if arguments.get("sql", "").startswith("CREATE INDEX"):
                show = {key: arguments[key] for key in arguments if key in ("transactionId", "database")}
                self.memory += self._ask("SHOW maintenance_work_mem", **show)
                self.settings += self._ask("SELECT count(*) FROM pg_db_role_setting WHERE setrole <> 0", **show)
            return getattr(self.project.api.client, operation)(**arguments)

        return call

    def _ask(self, sql: str, **where: Any) -> list[object]:
        target: Any = {"resourceArn": self.project.api.cluster_arn, "secretArn": self.project.api.secret_arn}
        [[field]] = self.project.api.client.execute_statement(sql=sql, **target, **where)["records"]
        return list(field.values())


@pytest.mark.parametrize(
    "index", ["CREATE INDEX ON t (id);", ALONE + "CREATE INDEX CONCURRENTLY t_id ON t (id);"], ids=["together", "alone"]
)
def test_an_index_is_built_with_the_memory_that_it_needs(project: Project, index: str) -> None:
    assert project.write(BIG).runner().apply()
    watched = Watched(project)
    assert project.write(BIG, index).runner(client=watched).apply()
    needed = project.column("SELECT pg_table_size('t') * 5 / 4 / 1024 || 'kB'")
    assert watched.memory == needed
    assert watched.settings == [int("CONCURRENTLY" in index)]
    assert project.column("SELECT count(*) FROM pg_db_role_setting WHERE setrole <> 0") == [0], "and not for longer"
