"""A real PostgreSQL behind the local Data API, for every test in this directory."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from local_aws.state import REGION
from stchat.chat.embeddings import CohereEmbedder
from tests.support.data_api_endpoint import KEY, RESUME_SECONDS, Endpoint, running
from tests.support.migrated_database import MigratedDatabase, apply_migrations


@pytest.fixture(scope="session")
def public_directory() -> Iterator[Path]:
    """A directory that every user may pass through: root's PostgreSQL runs as another user."""
    directory = Path(tempfile.mkdtemp(prefix="data-api-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def endpoint(public_directory: Path) -> Iterator[Endpoint]:
    with running(public_directory / "session", "--resume-seconds", str(RESUME_SECONDS)) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def migrated(public_directory: Path) -> Iterator[MigratedDatabase]:
    """A cluster of its own with all of sql/ applied; tests are kept apart by their users."""
    with running(public_directory / "migrated", "--resume-seconds", str(RESUME_SECONDS)) as endpoint:
        yield apply_migrations(endpoint)


@pytest.fixture(scope="session")
def embedder(migrated: MigratedDatabase) -> CohereEmbedder:
    session = boto3.Session(KEY.id, KEY.secret, region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
    return CohereEmbedder(session.client("bedrock-runtime", endpoint_url=migrated.endpoint.url, config=config))


@pytest.fixture
def database(endpoint: Endpoint) -> Iterator[str]:
    """A database of the master's own, gone after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    endpoint.execute(f"CREATE DATABASE {name}")
    yield name
    endpoint.clear_faults()
    endpoint.resume()
    with endpoint.psql() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def user() -> str:
    """A user of the test's own, which keeps it apart from the others."""
    return f"user {uuid.uuid4().hex[:12]}"
