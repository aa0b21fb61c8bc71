"""A local Data API in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
from botocore.config import Config
from types_boto3_rds_data import RDSDataServiceClient
from types_boto3_rds_data.type_defs import FieldOutputTypeDef

from local_aws import credentials
from local_aws.credentials import AccessKey
from local_aws.data_api.admin_client import AdminClient
from local_aws.data_api.standalone import CLUSTER_ARN, DATABASE, MASTER, MASTER_SECRET, secret_arn
from local_aws.state import REGION
from tests.support.repository import REPOSITORY

RESUME_SECONDS = 1.0
# The access key of every endpoint of the tests, written where the endpoint looks for it before it starts.
KEY = AccessKey("test", "test")


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint. `master` is the user of `secret_arn`; `client` is boto3's, without retries."""

    url: str
    directory: Path
    pid: int
    client: RDSDataServiceClient
    cluster_arn: str = CLUSTER_ARN
    secret_arn: str = secret_arn(MASTER_SECRET)
    master: str = MASTER
    database: str = DATABASE

    def execute(self, sql: str, **members: Any) -> Any:
        """ExecuteStatement with the master's secret in its first database; members of the request as keywords."""
        request: dict[str, Any] = {"resourceArn": self.cluster_arn, "secretArn": self.secret_arn, "sql": sql}
        if "transactionId" not in members:
            request["database"] = self.database
        return self.client.execute_statement(**request | members)

    def psql(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, past the Data API: to see what it did."""
        password = (self.directory / "local" / "rdsadmin.password").read_text()
        return psycopg.connect(
            host="127.0.0.1", port=self.cluster["port"], user="rdsadmin", password=password, dbname=database,
            autocommit=True,
        )  # fmt: skip

    @property
    def cluster(self) -> dict[str, Any]:
        """What the endpoint says of its cluster."""
        [cluster] = [cluster for cluster in self.clusters if cluster["arn"] == self.cluster_arn]
        return cluster

    @property
    def clusters(self) -> list[dict[str, Any]]:
        return list(self.admin.status()["clusters"])

    @property
    def admin(self) -> AdminClient:
        return AdminClient(self.url, KEY)

    def pause(self) -> None:
        self.admin.pause(self.cluster_arn)

    def resume(self) -> None:
        self.admin.resume(self.cluster_arn)

    def add_fault(self, kind: str, **rule: Any) -> None:
        self.admin.add_fault(kind, **rule)

    def clear_faults(self) -> None:
        self.admin.clear_faults()

    def add_secret(self, username: str, password: str) -> str:
        """A secret of that user; returns its ARN."""
        text = json.dumps({"username": username, "password": password})
        return self.admin.add_secret(f"{username}-{uuid.uuid4().hex[:8]}", text)


def start_endpoint(directory: Path, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start an endpoint on a free port; returns the process, and its address once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write_key(directory)
    with (directory / "endpoint.log").open("w") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "local_aws.data_api",
                "--port",
                str(port),
                "--data",
                str(directory),
                "--embeddings",
                "hashed",
                *arguments,
            ],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Data API on "):
            return process, line.removeprefix("Data API on ").strip()
    raise AssertionError(f"the endpoint ended with {process.wait()}: {(directory / 'endpoint.log').read_text()}")


def write_key(directory: Path) -> None:
    text = json.dumps({"access_key_id": KEY.id, "secret_access_key": KEY.secret})
    credentials.write_private(directory / credentials.FILE, text)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The endpoint's program, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "local_aws.data_api", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def execute(url: str, sql: str) -> list[list[FieldOutputTypeDef]]:
    """The records of a query by the master user."""
    answer = client(url).execute_statement(
        resourceArn=CLUSTER_ARN, secretArn=secret_arn(MASTER_SECRET), database="postgres", sql=sql
    )
    return answer.get("records", [])


def client(url: str, **key: str) -> RDSDataServiceClient:
    """boto3's client for an endpoint, without retries."""
    session = boto3.session.Session(
        aws_access_key_id=key.get("aws_access_key_id", KEY.id),
        aws_secret_access_key=key.get("aws_secret_access_key", KEY.secret),
        aws_session_token=key.get("aws_session_token"),
        region_name=REGION,
    )
    return session.client(
        "rds-data",
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=80),
    )


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for what must come about, however busy the machine is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds:g} s it is not so that {what}"
        time.sleep(0.05)


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Endpoint]:
    """One that does not wait for the disk: hundreds of databases are made and dropped in it."""
    directory.mkdir()
    process, url = start_endpoint(directory, *arguments)
    try:
        endpoint = Endpoint(url=url, directory=directory, pid=process.pid, client=client(url))
        with endpoint.psql() as superuser:
            superuser.execute("ALTER SYSTEM SET fsync = off")
            superuser.execute("SELECT pg_reload_conf()")
        yield endpoint
    finally:
        process.terminate()
        ended = process.wait(30)
    assert ended == 0


# The limits of an endpoint that waits for no caller, in seconds.
IMPATIENT_STATEMENT, IMPATIENT_IDLE, IMPATIENT_TOTAL, IMPATIENT_PAUSE = 0.8, 1, 2, 3
