from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stchat.data_api import DataApi
from tests.integration.conftest import Endpoint, client, start_endpoint
from tests.integration.stchat.project import Project


@pytest.fixture(scope="session")
def quick(endpoint: Endpoint) -> Endpoint:
    """A server that does not wait for the disk: hundreds of databases are made and dropped here."""
    with endpoint.psql() as superuser:
        superuser.execute("ALTER SYSTEM SET fsync = off")
        superuser.execute("SELECT pg_reload_conf()")
    return endpoint


@pytest.fixture(scope="session")
def impatient(public_directory: Path) -> Iterator[Endpoint]:
    """A Data API that waits 1 s for a statement, and 2 s for the next call of a transaction."""
    directory = public_directory / "impatient-runner"
    directory.mkdir()
    process, url = start_endpoint(
        directory, "--statement-seconds", "1", "--transaction-idle-seconds", "2", "--resume-seconds", "1"
    )
    endpoint = Endpoint(url=url, directory=directory, pid=process.pid, client=client(url))
    yield endpoint
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture
def api(quick: Endpoint) -> DataApi:
    """The master's, of the database postgres."""
    return DataApi(quick.client, quick.cluster_arn, quick.secret_arn, "postgres", patience=20)


@pytest.fixture
def project(api: DataApi, database: str, tmp_path: Path) -> Project:
    """Migrations of a database of the test's own."""
    return Project(api.on(database), tmp_path / "sql")


@pytest.fixture
def impatient_project(impatient: Endpoint, tmp_path: Path) -> Iterator[Project]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    api = DataApi(impatient.client, impatient.cluster_arn, impatient.secret_arn, "postgres", patience=20)
    api.execute(f"CREATE DATABASE {name}")
    yield Project(api.on(name), tmp_path / "sql")
    api.execute(f"DROP DATABASE {name} WITH (FORCE)")
