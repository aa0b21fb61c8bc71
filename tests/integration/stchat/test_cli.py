"""stchat, as an operator at a shell meets it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stchat.data_api import DataApi
from stchat.ops.cli.main import SQL, main
from stchat.schema import global_hnsw_index
from tests.support.data_api_endpoint import Endpoint

Run = Callable[..., tuple[int, str, str]]
FILES = {
    "0001_table.sql": "CREATE TABLE t (id bigserial PRIMARY KEY, name text NOT NULL DEFAULT 'x');\n",
    "0002_index.sql": "-- stchat: non-transactional\nCREATE INDEX CONCURRENTLY t_name ON t (name);\n",
}


@pytest.fixture
def run(
    endpoint: Endpoint,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    folder = tmp_path / "sql" / database
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", endpoint.cluster_arn)
    monkeypatch.setenv("STCHAT_SECRET_ARN", endpoint.secret_arn)
    monkeypatch.setenv("STCHAT_DATABASE", database)

    def run(group: str, *words: str) -> tuple[int, str, str]:
        """The exit code, what went to stdout, and to stderr."""
        where = ["--sql", str(folder.parent)] if group == "schema" else []
        code = main([group, *where, *words])
        out, err = capsys.readouterr()
        return code, out.replace(database, "app"), err.replace(database, "app")

    return run


def states(run: Run) -> list[str]:
    return [row["state"] for row in json.loads(run("schema", "status", "--json")[1])["migrations"]]


def test_plan_apply_status(run: Run) -> None:
    assert states(run) == ["pending", "pending"]
    assert run("schema", "plan") == (
        0,
        "-- sql/app/0001_table.sql: in one transaction\n"
        "CREATE TABLE t (id bigserial PRIMARY KEY, name text NOT NULL DEFAULT 'x');\n\n"
        "-- sql/app/0002_index.sql: statement by statement\n"
        "CREATE INDEX CONCURRENTLY t_name ON t (name);\n\n",
        "",
    )
    assert run("schema", "apply")[:2] == (0, "applied\nsql/app/0001_table.sql\nsql/app/0002_index.sql\n")
    assert states(run) == ["applied", "applied"]
    assert run("schema", "plan")[1] == "-- nothing to do\n"
    assert run("schema", "apply", "--json")[1] == "[]\n"


def test_status_fails_on_drift(run: Run, tmp_path: Path, database: str) -> None:
    run("schema", "apply")
    file = tmp_path / "sql" / database / "0001_table.sql"
    file.write_text(file.read_text() + "SELECT 1;\n")
    code, out, _ = run("schema", "status")
    assert code == 1
    assert "sql/app/0001_table.sql: changed since it was applied on " in out
    code, out, _ = run("schema", "status", "--json")
    assert code == 1
    [problem] = json.loads(out)["problems"]
    assert problem.startswith("sql/app/0001_table.sql: changed since it was applied on ")
    code, out, err = run("schema", "apply")
    assert (code, out) == (1, "")
    assert err.startswith("error: sql/app/0001_table.sql: changed since it was applied on ")


def test_status_fits_80_columns_and_marks_a_file_that_is_gone(run: Run, tmp_path: Path, database: str) -> None:
    run("schema", "apply")
    code, out, _ = run("schema", "status")
    assert code == 0
    assert re.fullmatch(
        r"app\n  state    applied +migration\n  applied  [-\d]+ [:\d]+ UTC  0001_table.sql\n"
        r"  applied  [-\d]+ [:\d]+ UTC  0002_index.sql\n",
        out,
    )
    assert max(map(len, out.splitlines())) <= 80
    (tmp_path / "sql" / database / "0002_index.sql").unlink()
    code, out, _ = run("schema", "status")
    assert code == 1
    assert "  file gone  " in out
    assert re.search(r"\nsql/app/0002_index.sql: applied on [-\d]+, but the file is gone: put it back\n$", out)
    assert "duration" not in out and " ms " in run("schema", "status", "--wide")[1].splitlines()[0]


def test_check_runs_the_files_and_looks_at_what_they_do(run: Run, tmp_path: Path, database: str) -> None:
    folder = tmp_path / "sql" / database
    effects = {
        "0003_default.sql": "ALTER TABLE t ADD x float DEFAULT random();",
        "0004_hidden.sql": "DO $$ BEGIN EXECUTE concat('TRUN', 'CATE t'); END $$;",
        "0005_not_null.sql": "ALTER TABLE t ALTER x SET NOT NULL;",
        "0006_index.sql": "CREATE INDEX ON t (x);",
        "0007_drop.sql": "DO $$ BEGIN EXECUTE concat('ALTER TABLE t DR', 'OP x'); END $$;",
        "0008_nothing.sql": "ALTER TABLE t ADD y int DEFAULT 7;",
    }
    for name, text in effects.items():
        (folder / name).write_text(text)
    code, out, _ = run("schema", "check", "--database", "--json")
    assert code == 0
    assert [line.partition(": observed: ")[::2] for line in json.loads(out)["effects"]] == [
        (f"sql/app/{name}:1", f"{what}; if it is meant, write `-- stchat: allow {kind}: <why>`")
        for name, kind, what in [
            ("0003_default.sql", "rewrite", "rewrites or empties t, and locks it"),
            ("0004_hidden.sql", "rewrite", "rewrites or empties t, and locks it"),
            ("0005_not_null.sql", "not-null", "reads all of t while it is locked"),
            ("0006_index.sql", "index", "builds an index of t and locks it meanwhile"),
            ("0007_drop.sql", "drop", "drops a column of t"),
        ]
    ]


def test_status_compares_the_schema_with_the_files(run: Run, endpoint: Endpoint, database: str) -> None:
    run("schema", "apply")
    assert run("schema", "status", "--compare")[0] == 0
    api = DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, database)
    api.execute("ALTER TABLE t ADD COLUMN by_hand int")
    api.execute("DROP INDEX t_name")
    api.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    api.execute("CREATE POLICY mine ON t TO stchat USING (true) WITH CHECK (id > 0)")
    api.execute("GRANT SELECT ON t TO PUBLIC")
    assert run("schema", "status")[0] == 0
    code, out, _ = run("schema", "status", "--compare", "--json")
    assert code == 1
    assert json.loads(out)["problems"] == [
        "app: missing: index CREATE INDEX t_name ON public.t USING btree (name)",
        "app: missing: table public.t",
        "app: not in the files: column public.t.by_hand integer storage p",
        "app: not in the files: grant select on public.t to public",
        "app: not in the files: policy public.t mine * to stchat using true check (id > 0)",
        "app: not in the files: table public.t row security",
    ]


def test_status_fails_on_a_file_that_stopped(run: Run, tmp_path: Path, database: str) -> None:
    (tmp_path / "sql" / database / "0003_x.sql").write_text("-- stchat: non-transactional\nSELECT 1/0;\n")
    error = "sql/app/0003_x.sql:2: division by zero (SQLSTATE 22012)"
    assert run("schema", "apply")[2].endswith(f"error: {error}\n")
    code, out, _ = run("schema", "status")
    assert code == 1
    assert out.endswith(f"app: {error}\n")
    assert states(run)[2] == "failed"


def test_check_and_new_need_no_database(
    run: Run, monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path
) -> None:
    monkeypatch.delenv("STCHAT_CLUSTER_ARN")
    assert run("schema", "check") == (0, "2 migrations are well-formed\n", "")
    assert run("schema", "new", database, "add_theme")[1].endswith("0003_add_theme.sql\n")
    (tmp_path / "sql" / database / "0003_add_theme.sql").write_text("TRUNCATE t;")
    warning = "sql/app/0003_add_theme.sql:1:1: empties t; if it is meant, write `-- stchat: allow truncate: <why>`\n"
    assert run("schema", "check")[1] == f"{warning}3 migrations are well-formed\n"
    assert run("schema", "check", "--strict") == (1, "", f"error: {warning}")
    assert run("schema", "status") == (
        1,
        "",
        'error: STCHAT_CLUSTER_ARN is not set: run eval "$(local-aws env)",'
        " or take it from the outputs of the stacks\n",
    )


def test_baseline(run: Run, endpoint: Endpoint, database: str) -> None:
    api = DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, database)
    api.execute(FILES["0001_table.sql"].replace(" NOT NULL", ""))
    code, out, err = run("schema", "baseline", database, "1")
    assert (code, out) == (1, "")
    assert err.partition("error: ")[2] == (
        "app is not as 0001_table.sql to 0001_table.sql make it; make it so, or baseline fewer files:\n"
        "  missing: column public.t.name text not null default 'x'::text storage x\n"
        "  not in the files: column public.t.name text default 'x'::text storage x\n"
    )
    api.execute("ALTER TABLE t ALTER name SET NOT NULL")
    assert run("schema", "baseline", database, "1")[:2] == (0, "recorded\nsql/app/0001_table.sql\n")
    assert run("schema", "baseline", database, "1")[2] == (
        "error: app has a ledger already: see `stchat schema status`\n"
    )
    assert run("schema", "baseline", database, "7")[2] == "error: sql/app/ has no migration 0007: it has 2\n"
    assert states(run) == ["applied", "pending"]
    assert run("schema", "apply")[1] == "applied\nsql/app/0002_index.sql\n"
    assert api.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'stchat_baseline%'").rows == [{"count": 0}]


# Typed into psql, as the baseline configuration has it.
BY_HAND = (
    """CREATE TABLE st_chat_history_table (
    primarykey BIGSERIAL PRIMARY KEY, userid TEXT NOT NULL UNIQUE, themename TEXT NOT NULL,
    chatid BIGINT NOT NULL CHECK (chatid >= 0), userinput TEXT, botresponse TEXT,
    timestamp TIMESTAMP WITH TIME ZONE DEFAULT NOW())""",
    "CREATE INDEX idx_st_chat_history_userid ON st_chat_history_table(userid)",
    "CREATE INDEX idx_st_chat_history_timestamp ON st_chat_history_table(timestamp)",
    "CREATE EXTENSION IF NOT EXISTS vector",
    """CREATE TABLE st_chat_history_vector_table (
    primarykey BIGSERIAL PRIMARY KEY, userid TEXT NOT NULL, theme TEXT NOT NULL,
    chatid BIGINT NOT NULL CHECK (chatid >= 0), chat_summary TEXT NOT NULL, metadata JSONB,
    chat_vector VECTOR(1024) NOT NULL)""",
    "CREATE INDEX ON st_chat_history_vector_table USING hnsw (chat_vector vector_l2_ops)",
    "INSERT INTO st_chat_history_table (userid, themename, chatid) VALUES ('u', 'before', 1)",
)


def test_the_source_s_tables_made_by_hand_are_adopted(
    run: Run, endpoint: Endpoint, database: str, tmp_path: Path
) -> None:
    folder = tmp_path / "sql" / database
    for file in folder.iterdir():
        file.unlink()
    for file in sorted((SQL / "st_chat_db").iterdir())[:4]:
        shutil.copy(file, folder)
    api = DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, database)
    for statement in BY_HAND:
        api.execute(statement)
    code, _, err = run("schema", "apply")
    assert code == 1
    assert "already exists; if it was made by hand, see `stchat schema baseline`" in err
    assert run("schema", "baseline", database, "3")[0] == 0
    assert run("schema", "apply")[:2] == (0, "applied\nsql/app/0004_chat_history_many_rows_per_user.sql\n")
    assert run("schema", "status", "--compare")[0] == 0
    api.execute(f"DROP INDEX {global_hnsw_index.INDEX}")
    assert run("schema", "status", "--compare")[0] == 0, "a setting decides whether that one is there"
    api.execute("INSERT INTO st_chat_history_table (userid, themename, chatid) VALUES ('u', 'after', 1)")
    assert api.execute("SELECT themename FROM st_chat_history_table ORDER BY primarykey").rows == [
        {"themename": "before"},
        {"themename": "after"},
    ]


def test_db(run: Run) -> None:
    run("schema", "apply")
    assert "app" in [row["database"] for row in json.loads(run("db", "databases", "--json")[1])]
    assert [row["table"] for row in json.loads(run("db", "tables", "--json")[1])] == ["schema_migrations", "t"]
    assert run("db", "columns", "t")[1] == (
        "column  type    null      default\n"
        "id      bigint  not null  nextval('t_id_seq'::regclass)\n"
        "name    text    not null  'x'::text\n"
    )
    indexes = json.loads(run("db", "indexes", "--json")[1])
    assert [(row["index"], row["state"]) for row in indexes if row["table"] == "t"] == [("t_name", ""), ("t_pkey", "")]
    missing = "error: there is no table u: `stchat db tables` lists them\n"
    assert run("db", "columns", "u") == (1, "", missing)
    assert run("db", "drop-table", "u", "--yes") == (1, "", missing)


def test_drop_table_is_asked_for_by_name(run: Run) -> None:
    run("schema", "apply")
    assert run("db", "drop-table", "t") == (
        1,
        "",
        "error: this would drop table t of app and all its rows: add --yes to do it\n",
    )
    assert json.loads(run("db", "drop-table", "t", "--yes", "--json")[1]) == [{"database": "app", "dropped": "t"}]
    assert run("db", "columns", "t")[0] == 1


def test_paused(run: Run, endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    endpoint.pause()
    assert run("db", "databases")[0] == 0
    assert caplog.messages[0].startswith("waiting for the database, 0 s so far: DatabaseResumingException: ")


def test_a_reader_that_has_read_enough(tmp_path: Path, database: str) -> None:
    """As in `stchat ... | head`: no traceback."""
    folder = tmp_path / database
    folder.mkdir()
    (folder / "0001_x.sql").write_text("SELECT 1;")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "stchat", "schema", "--sql", str(tmp_path), "check"],
        cwd=Path(__file__).parents[3], stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
