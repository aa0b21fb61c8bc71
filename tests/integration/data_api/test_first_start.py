"""A first start that breaks off leaves nothing that the next one cannot use, and nothing running."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil
import pytest
from types_boto3_rds_data import RDSDataServiceClient

from local_aws.postgres.system import free_port
from tests.support.data_api_endpoint import execute, run, start_endpoint
from tests.support.repository import REPOSITORY

HOSTILE = {
    "PGHOSTADDR": "192.0.2.1", "PGHOST": "192.0.2.1", "PGPORT": "1", "PGSSLMODE": "require",
    "PGOPTIONS": "-c nonsense=1",
    "PGSERVICE": "none-such", "PGSERVICEFILE": "/nonexistent", "PGPASSFILE": "/nonexistent", "PGREQUIREAUTH": "none",
    "PGTARGETSESSIONATTRS": "read-only", "PGDATA": "/nonexistent", "PGTZ": "Asia/Tokyo", "PGCLIENTENCODING": "SJIS",
    "PGDATESTYLE": "German", "PGGSSENCMODE": "require", "PGCHANNELBINDING": "require", "PGUSER": "x", "PGDATABASE": "x",
    "PGSSLROOTCERT": "/nonexistent", "PGCONNECT_TIMEOUT": "x",
}  # fmt: skip


def servers_in(directory: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(word.startswith(str(directory)) for word in process.info["cmdline"] or ())
    ]


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.4, 0.8, 1.2, 1.6])
def test_killed_at_a_moment_of_its_first_start(public_directory: Path, seconds: float) -> None:
    """Counted from the moment when initdb begins."""
    directory = public_directory / f"killed-{seconds}"
    directory.mkdir()
    command = [sys.executable, "-m", "local_aws.data_api", "--port", str(free_port()), "--data", str(directory)]
    first = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(directory.iterdir()):
        time.sleep(0.005)
    time.sleep(seconds)
    first.kill()
    first.wait()
    second, url = start_endpoint(directory)
    assert execute(url, "SELECT 1") == [[{"longValue": 1}]]
    stop(second)
    assert servers_in(directory) == []
    assert not (directory / "local.creating").exists()


def test_an_environment_that_means_other_servers(public_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = public_directory / "hostile"
    directory.mkdir()
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    process, url = start_endpoint(directory)
    assert execute(url, "SELECT current_setting('timezone')") == [[{"stringValue": "UTC"}]]
    stop(process)


def test_a_lost_password_file(public_directory: Path) -> None:
    directory = public_directory / "lost"
    directory.mkdir()
    stop(start_endpoint(directory)[0])
    (directory / "master.password").write_text("")
    process, url = start_endpoint(directory)
    assert execute(url, "SELECT 1") == [[{"longValue": 1}]]
    stop(process)


def test_a_directory_from_before_it_was_complete_or_absent(public_directory: Path) -> None:
    """PG_VERSION, but no role that can log in: it is moved aside."""
    directory = public_directory / "half"
    (directory / "local" / "pgdata").mkdir(parents=True)
    (directory / "local" / "pgdata" / "PG_VERSION").write_text("16\n")
    process, url = start_endpoint(directory)
    assert execute(url, "SELECT 1") == [[{"longValue": 1}]]
    stop(process)
    assert len(list(directory.glob("local.incomplete-*"))) == 1


@pytest.mark.parametrize("port", ["-1", "0", "65536", "x"])
def test_ports_that_are_none(port: str) -> None:
    refused = run(f"--port={port}")
    assert refused.returncode == 2
    assert refused.stderr.endswith(f"error: argument --port: must be a port from 1 to 65535, got {port}\n")


def test_a_dsn_that_is_none_is_not_repeated() -> None:
    refused = run("--dsn", "postgresql://user:hidden@[")
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: --dsn must be an address such as postgresql://user:password@host:5432/database\n",
    )


def test_in_the_background(public_directory: Path) -> None:
    """For the continuous integration of others: started, used, stopped; the secret's name is the caller's."""
    directory = public_directory / "background"
    arn = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders.master-AbCdEf"
    env_file, port = directory / "ci.env", str(free_port())
    started = run(
        "--background", "--port", port, "--data", str(directory), "--env-file", str(env_file),
        "--cluster-arn", arn, "--secret-arn", secret,
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    values = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert (values["STCHAT_CLUSTER_ARN"], values["STCHAT_SECRET_ARN"]) == (arn, secret)
    assert values["AWS_REGION"] == "eu-west-1"
    answer = _client(values).execute_statement(resourceArn=arn, secretArn=secret, database="postgres", sql="SELECT 1")
    assert answer["records"] == [[{"longValue": 1}]]
    again = run("--background", "--port", str(free_port()), "--data", str(directory))
    assert again.stderr.startswith(f"error: an endpoint runs in {directory} already, process ")
    assert run("--stop", "--data", str(directory)).stdout == "stopped; the data stay\n"
    assert servers_in(directory) == []
    assert run("--stop", "--data", str(directory)).stdout == f"no endpoint runs in {directory}\n"


def _client(values: dict[str, str]) -> RDSDataServiceClient:
    return boto3.client(
        "rds-data",
        endpoint_url=values["AWS_ENDPOINT_URL_RDS_DATA"],
        region_name=values["AWS_REGION"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_dsn_s_password_is_not_in_the_arguments(public_directory: Path) -> None:
    directory = public_directory / "dsn"
    directory.mkdir()
    process, url = start_endpoint(directory, "--dsn", "postgresql://user:hidden@127.0.0.1:1/postgres")
    assert "hidden" not in " ".join(psutil.Process(process.pid).cmdline())
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 0
    assert url.startswith("http://127.0.0.1:")
