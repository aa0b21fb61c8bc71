"""A Data API with short limits, migrations of a test's own, and the schema function over them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from stchat.data_api import DataApi
from stchat.handlers import schema
from tests.support.data_api_endpoint import Endpoint, running
from tests.support.faults import Faulty
from tests.support.project import Project
from tests.support.schema_events import ROLES, Secrets


@pytest.fixture(scope="module")
def short_limits(public_directory: Path, request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """A Data API that waits 1 s for a statement, and 2 s for the next call of a transaction. One per file, since what
    was deployed first is in its ledger."""
    limits = ("--statement-seconds", "1", "--transaction-idle-seconds", "2", "--resume-seconds", "1")
    with running(public_directory / request.module.__name__.rpartition(".")[2], *limits) as endpoint:
        yield endpoint


@pytest.fixture
def api(endpoint: Endpoint) -> DataApi:
    """The master's, of the database postgres."""
    return DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, "postgres", timeout=20)


@pytest.fixture
def project(api: DataApi, database: str, tmp_path: Path) -> Project:
    """Migrations of a database of the test's own."""
    return Project(api.with_database(database), tmp_path / "sql")


@pytest.fixture
def impatient_project(short_limits: Endpoint, tmp_path: Path) -> Iterator[Project]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    api = DataApi(short_limits.client, short_limits.cluster_arn, short_limits.secret_arn, name, timeout=20)
    with short_limits.psql() as superuser:  # which may take longer than the 1 s
        superuser.execute(f"CREATE DATABASE {name} OWNER {short_limits.master}")
        yield Project(api, tmp_path / "sql")
        superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def role_secrets() -> Secrets:
    return Secrets({role: f"first of {role}" for role in ROLES})


@pytest.fixture
def counted_client(short_limits: Endpoint, role_secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> Faulty:
    """Counts the Lambda's calls of the Data API."""
    counting = Faulty(short_limits.client)
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", short_limits.cluster_arn)
    monkeypatch.setenv("STCHAT_SECRET_ARN", short_limits.secret_arn)
    monkeypatch.setattr(schema, "rds_data_client", lambda: counting)
    monkeypatch.setattr(boto3, "client", lambda _: role_secrets)
    return counting


@pytest.fixture
def schema_api(short_limits: Endpoint) -> DataApi:
    return DataApi(short_limits.client, short_limits.cluster_arn, short_limits.secret_arn, "st_chat_db")
