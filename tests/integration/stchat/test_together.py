"""Runners that meet, and runners whose world goes away under them."""

from __future__ import annotations

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from stchat.errors import StatementError
from stchat.schema import waiting
from tests.support.data_api_endpoint import Endpoint
from tests.support.project import ALONE, Project

ROWS = "CREATE TABLE t AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 300000) AS n;"
COUNTED = "CREATE TABLE IF NOT EXISTS ran (n int);"
SLOW_INDEX = ALONE + "CREATE INDEX CONCURRENTLY t_name ON t (name, lower(name), upper(name), md5(name));"


def test_ten_runners_at_once(project: Project) -> None:
    project.write(
        "CREATE TABLE t (n int);",
        "INSERT INTO t VALUES (1); SELECT pg_sleep(0.3)::text;",
        ALONE + "INSERT INTO t VALUES (2);\nCREATE INDEX CONCURRENTLY t_n ON t (n);\nINSERT INTO t VALUES (3);",
        "INSERT INTO t VALUES (4);",
    )
    runners = [project.runner(f"runner {number}") for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(lambda runner: runner.apply(timeout=60), runners)) == [True] * 10
    assert project.column("SELECT n FROM t ORDER BY n") == [1, 2, 3, 4]
    assert len(project.ledger("version")) == 4


def test_a_clock_that_jumps_stops_no_runner(project: Project) -> None:
    """A lease from before the clock was set back would last for a day; one from before it went ahead is over."""
    project.write(COUNTED, ALONE + "INSERT INTO ran VALUES (1);\nSELECT 1/0;\n")
    for jump in ("1 day", "-1 day"):
        with pytest.raises(StatementError):
            project.runner().apply(timeout=0)
        project.api.execute(
            f"UPDATE schema_migrations SET holder = 'gone', lease_until = clock_timestamp() + interval '{jump}',"
            " error = NULL WHERE version = 2"
        )
    project.write(COUNTED, ALONE + "INSERT INTO ran VALUES (1);\nSELECT 1;\n")
    assert project.runner("another").apply(timeout=0)
    assert project.column("SELECT n FROM ran") == [1]


def test_a_lease_is_waited_for(project: Project) -> None:
    project.write(COUNTED, ALONE + "INSERT INTO ran VALUES (1);\nSELECT 1/0;\n")
    with pytest.raises(StatementError):
        project.runner().apply()
    project.api.execute(
        "UPDATE schema_migrations SET holder = 'alive', lease_until = clock_timestamp() + interval '2 s'"
        " WHERE version = 2"
    )
    project.write(COUNTED, ALONE + "INSERT INTO ran VALUES (1);\nSELECT 1;\n")
    assert not project.runner("another").apply(timeout=0)
    assert project.runner("another").apply(timeout=20)


def test_a_runner_that_lost_its_lease_records_nothing(project: Project) -> None:
    """It was frozen in the middle, and another has taken over and finished."""
    project.write(COUNTED, ALONE + "INSERT INTO ran VALUES (1);\nCREATE INDEX CONCURRENTLY ran_n ON ran (n);\n")

    class Frozen:
        def __getattr__(self, operation: str) -> Any:
            def call(**arguments: Any) -> Any:
                if arguments.get("sql", "").startswith("CREATE INDEX"):
                    assert project.runner("another", lease_seconds=0).apply(timeout=20)
                return getattr(project.api.client, operation)(**arguments)

            return call

    assert project.runner("frozen", client=Frozen()).apply(timeout=20)
    assert project.ledger("deploy")[1] == {"deploy": "another"}
    assert project.column("SELECT n FROM ran") == [1]


def test_a_lock_that_an_application_holds_is_waited_for(
    endpoint: Endpoint, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a second at a time, with a pause that outlasts the call, so that the application goes on."""
    monkeypatch.setattr(waiting, "LOCK_PAUSES", (3.0,))
    assert project.write("CREATE TABLE t (n int);").runner().apply()
    project.write("CREATE TABLE t (n int);", "ALTER TABLE t ADD m int;")
    with endpoint.psql(project.api.database) as application:
        application.execute("BEGIN")
        application.execute("SELECT * FROM t")
        assert not project.runner().apply(timeout=0)
        [row] = project.ledger("version", "tries", "error")[1:]
        assert (row["version"], row["tries"]) == (2, 1)
        began = time.monotonic()
        assert not project.runner().apply(timeout=0), "another call waits too"
        assert time.monotonic() - began < 1, "and asks for no lock"
        application.execute("COMMIT")
    assert project.runner().apply()
    assert project.ledger("tries", "error", "holder")[1] == {"tries": 0, "error": None, "holder": None}


def test_a_lock_that_never_comes_is_given_up_with_the_name_of_who_holds_it(
    endpoint: Endpoint, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOCK_PAUSES", (0.1,))
    monkeypatch.setattr(waiting, "LOCK_ATTEMPTS", 2)
    assert project.write("CREATE TABLE t (n int);").runner().apply()
    project.write("CREATE TABLE t (n int);", "\nALTER TABLE t ADD m int;")
    with endpoint.psql(project.api.database) as application:
        application.execute("SET application_name = 'a report'")
        application.execute("BEGIN")
        application.execute("SELECT * FROM t")
        pid = application.info.backend_pid
        with pytest.raises(StatementError) as raised:
            project.runner().apply()
        application.execute("COMMIT")
    assert re.fullmatch(
        rf"{project.path(2)}:2: canceling statement due to lock timeout; blocked by process {pid} of role rdsadmin"
        r" \(a report, idle in transaction\) in a transaction since [-\d]+ [:\d]+ UTC; given up after 2 attempts:"
        " end that transaction, or deploy when it is over",
        str(raised.value),
    )
    assert project.runner("the next deploy").apply()


def test_a_statement_that_ends_its_own_process_is_given_up(project: Project) -> None:
    project.write("CREATE TABLE t ();", "\nSELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(StatementError) as raised:
        project.runner().apply(timeout=60)
    assert str(raised.value).startswith(f"{project.path(2)}:2: ")
    assert str(raised.value).endswith(
        "; given up after 5 attempts: PostgreSQL's log has the reason why its process ended; change the statement"
    )


def kill_the_database(endpoint: Endpoint, when: str) -> None:
    """As soon as `when`, a query of pg_stat_activity joined with the progress of index builds, finds something."""
    with endpoint.psql() as superuser:
        (data,) = superuser.execute("SHOW data_directory").fetchone() or ("",)
        pid = int((Path(data) / "postmaster.pid").read_text().split()[0])
        while not superuser.execute(f"SELECT FROM pg_stat_activity AS a WHERE {when}").fetchall():
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)


IN_A_TRANSACTION = "query LIKE 'CREATE TABLE u%' AND state = 'active' AND query_start < now() - interval '50 ms'"
IN_A_BUILD = "EXISTS (SELECT FROM pg_stat_progress_create_index WHERE pid = a.pid AND phase LIKE 'building%')"


@pytest.mark.parametrize(
    ("last", "when"),
    [(ROWS.replace("t AS", "u AS", 1), IN_A_TRANSACTION), (SLOW_INDEX, IN_A_BUILD)],
    ids=["transaction", "index build"],
)
def test_the_database_is_killed(endpoint: Endpoint, project: Project, last: str, when: str) -> None:
    assert project.write(ROWS).runner().apply()
    project.write(ROWS, last)
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill_the_database, endpoint, when)
        assert project.runner().apply(timeout=60)
        killed.result()
    assert project.column("SELECT count(*) FROM schema_migrations WHERE applied_at IS NOT NULL") == [2]
    assert project.column("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_name')") == (
        [True] if "INDEX" in last else []
    )
