from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stchat.data_api import DataApi
from tests.integration.conftest import Endpoint, running
from tests.integration.stchat.project import Project


@pytest.fixture(scope="session")
def impatient(public_directory: Path) -> Iterator[Endpoint]:
    """A Data API that waits 1 s for a statement, and 2 s for the next call of a transaction."""
    limits = ("--statement-seconds", "1", "--transaction-idle-seconds", "2", "--resume-seconds", "1")
    with running(public_directory / "impatient-runner", *limits) as endpoint:
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
def impatient_project(impatient: Endpoint, tmp_path: Path) -> Iterator[Project]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    api = DataApi(impatient.client, impatient.cluster_arn, impatient.secret_arn, name, timeout=20)
    with impatient.psql() as superuser:  # which may take longer than the 1 s
        superuser.execute(f"CREATE DATABASE {name} OWNER {impatient.master}")
        yield Project(api, tmp_path / "sql")
        superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
