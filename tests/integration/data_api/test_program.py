"""The endpoint as a program: what it prints, keeps, refuses and leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError

from local_aws.data_api.admin_client import AdminClient
from tests.support.data_api_endpoint import KEY, Endpoint, execute, run, start_endpoint

SECRETIVE = "a-value-that-no-log-may-have"


def test_a_taken_port(endpoint: Endpoint) -> None:
    port = endpoint.url.rpartition(":")[2]
    refused = run("--port", port, "--data", str(endpoint.directory))
    assert refused.returncode == 1
    assert refused.stderr == f"error: port {port} on 127.0.0.1 is taken: choose another with --port\n"


def test_a_directory_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    """Root's PostgreSQL runs as another user, and starts there too."""
    tmp_path.chmod(0o700)
    process, url = start_endpoint(tmp_path)
    answer = execute(url, "SELECT 1")
    process.terminate()
    assert process.wait(30) == 0
    assert answer == [[{"longValue": 1}]]


def test_it_leaves_nothing_running_and_keeps_its_data(public_directory: Path) -> None:
    directory = public_directory / "kept"
    directory.mkdir()
    process, url = start_endpoint(directory)
    execute(url, "CREATE TABLE kept AS SELECT 1 AS i")
    assert (directory / "master.password").stat().st_mode & 0o777 == 0o600
    assert (directory / "local" / "rdsadmin.password").stat().st_mode & 0o777 == 0o600
    stop(process, url, signal.SIGTERM)
    process, url = start_endpoint(directory)
    assert execute(url, "SELECT i FROM kept") == [[{"longValue": 1}]]
    stop(process, url, signal.SIGINT)


def stop(process: subprocess.Popen[str], url: str, number: signal.Signals) -> None:
    """Ask the endpoint to end, and see that its PostgreSQL has."""
    server = AdminClient(url, KEY).status()["clusters"][0]["pid"]
    process.send_signal(number)
    assert process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_the_log_shows_no_secrets(endpoint: Endpoint) -> None:
    secret = endpoint.add_secret(SECRETIVE, SECRETIVE)
    value = [{"name": "v", "value": {"stringValue": SECRETIVE}}]
    endpoint.execute("SELECT :v", parameters=value)
    with pytest.raises(ClientError):
        endpoint.execute("SELECT 1", secretArn=secret)
    with pytest.raises(ClientError):
        endpoint.execute("SELECT (:v)::int", parameters=value)
    with pytest.raises(ClientError):
        endpoint.execute(f"CREATE ROLE {SECRETIVE!r} PASSWORD '{SECRETIVE}'")
    log = (endpoint.directory / "endpoint.log").read_text()
    server_log = (endpoint.directory / "local" / "pgdata" / "server.log").read_text()
    assert log.splitlines()[-1].endswith(" ms DatabaseErrorException")
    assert "SELECT" not in log
    assert SECRETIVE not in log
    assert f"PASSWORD '{SECRETIVE}'" not in server_log


def test_a_server_that_the_user_already_has(endpoint: Endpoint, public_directory: Path) -> None:
    directory = public_directory / "existing"
    directory.mkdir()
    password = (endpoint.directory / "master.password").read_text()
    dsn = f"postgresql://stchat:{password}@127.0.0.1:{endpoint.cluster['port']}/postgres"
    process, url = start_endpoint(directory, "--dsn", dsn, "--resume-seconds", "0")
    answer = execute(url, "SELECT current_user::text")
    AdminClient(url, KEY).pause()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    process.terminate()
    assert process.wait(30) == 0
    assert answer == [[{"stringValue": "stchat"}]]
    assert not (directory / "local").exists()
