"""Statements that take longer than a call of the Data API, which here waits for 1 s."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stchat.errors import StatementError
from stchat.schema import execution, runner
from tests.support.data_api_endpoint import Endpoint
from tests.support.project import ALONE, Project

SLOW = """
CREATE TABLE t AS SELECT n, n AS copy FROM generate_series(1, 250) AS n;
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(0.01);
    RETURN n;
END $$;"""
INDEX = ALONE + "CREATE UNIQUE INDEX CONCURRENTLY t_slow ON t (slow(copy));"


@pytest.fixture(autouse=True)
def polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "POLL_SECONDS", 0.3)
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.3)


def test_in_a_transaction(impatient_project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "stchat")
    project = impatient_project
    assert project.write("CREATE TABLE t (n int); SELECT pg_sleep(2); INSERT INTO t VALUES (1);").runner().apply()
    assert project.column("SELECT n FROM t") == [1]
    assert f"{project.path(1)}:1: at work" in caplog.messages


def test_in_a_transaction_with_progress(impatient_project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "stchat")
    assert impatient_project.write(SLOW, "CREATE INDEX ON t (slow(copy));").runner().apply()
    assert any("building index" in message and message.endswith(" %") for message in caplog.messages)


def test_fails_when_no_caller_listens(impatient_project: Project) -> None:
    project = impatient_project.write("CREATE TABLE t ();\nDO $$ BEGIN PERFORM pg_sleep(1.5); RAISE 'no'; END $$;")
    with pytest.raises(StatementError) as raised:
        project.runner().apply()
    assert str(raised.value) == (
        f"{project.path(1)}:2: failed after more than 45 s; PostgreSQL's message is in the cluster's log alone"
    )
    assert project.column("SELECT to_regclass('t') IS NULL") == [True]


def test_longer_than_the_caller_has(impatient_project: Project) -> None:
    project = impatient_project.write("CREATE TABLE t ();\nSELECT pg_sleep(60);")
    began = time.monotonic()
    with pytest.raises(StatementError) as raised:
        project.runner().apply(seconds=2)
    assert time.monotonic() - began < 10
    assert str(raised.value) == (
        f"{project.path(1)}:2: takes longer than a deploy can hold a transaction, and was rolled back:"
        " run `stchat schema apply`, or build indexes CONCURRENTLY"
    )
    assert project.column(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(60)' AND state = 'active'"
    ) == [0]


def test_index_build_over_many_calls(impatient_project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """As the Provider framework does: a new runner each time, until one returns that nothing is left."""
    caplog.set_level("INFO", "stchat")
    project = impatient_project.write(SLOW, INDEX)
    times = 1
    while not project.runner().apply(timeout=0):
        times += 1
    assert times >= 3
    assert any("building index" in message and message.endswith(" %") for message in caplog.messages)
    assert project.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_slow'::regclass") == [True]
    assert project.column("SELECT duration_ms > 2000 FROM schema_migrations WHERE version = 2") == [True]


def test_index_build_fails_when_no_caller_listens(impatient_project: Project) -> None:
    """The second value of a unique index that is there twice is met at the end of the build."""
    project = impatient_project.write(SLOW + "INSERT INTO t VALUES (251, 250);", INDEX)
    with pytest.raises(StatementError) as raised:
        project.runner().apply()
    assert str(raised.value) == (
        f"{project.path(2)}:2: did not get done in 3 attempts of over 45 s;"
        " PostgreSQL's message is in the cluster's log alone"
    )
    assert project.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [0]
    project.api.execute("DELETE FROM t WHERE n = 251")
    assert project.runner("the next deploy").apply()


@pytest.mark.parametrize("last", ["CREATE TABLE u ();\nSELECT pg_sleep(3);", INDEX], ids=["transaction", "index build"])
def test_a_runner_that_its_lambda_ends(short_limits: Endpoint, impatient_project: Project, last: str) -> None:
    project = impatient_project.write(SLOW, last)
    code = (
        "from tests.support.project import *; from tests.support.data_api_endpoint import *; import sys;"
        "api = DataApi(client(sys.argv[1]), CLUSTER_ARN, secret_arn(MASTER_SECRET), sys.argv[2]);"
        "Project(api, Path(sys.argv[3])).runner(lease_seconds=4).apply()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, short_limits.url, project.api.database, str(project.directory)],
        cwd=Path(__file__).parents[3],
    )
    with short_limits.psql() as superuser:
        wanted = (
            "SELECT FROM pg_stat_activity WHERE state = 'active' AND (query LIKE '%sleep(3)' OR query LIKE '%t_slow%')"
        )
        while not superuser.execute(wanted + " AND pid <> pg_backend_pid()").fetchall():
            time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert project.runner("the next call", lease_seconds=4).apply(timeout=60)
    assert project.ledger("deploy")[1] == {"deploy": "the next call"}
