"""The library as the application's role, over both transports, and the local Bedrock. A user of its own
isolates each test."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config

from local_aws.state import REGION
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import Database
from tests.support.data_api_endpoint import KEY
from tests.support.migrated_database import MigratedDatabase, direct_app


@pytest.fixture(scope="session")
def embedder(migrated: MigratedDatabase) -> CohereEmbedder:
    session = boto3.Session(KEY.id, KEY.secret, region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
    return CohereEmbedder(session.client("bedrock-runtime", endpoint_url=migrated.endpoint.url, config=config))


@pytest.fixture(params=["data_api", "postgres"])
def app(migrated: MigratedDatabase, request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "data_api":
        yield migrated.app
        return
    direct = direct_app(migrated)
    yield direct
    direct.close()


@pytest.fixture
def history(migrated: MigratedDatabase, app: Database) -> Iterator[ChatHistory]:
    yield ChatHistory(app)
    migrated.endpoint.clear_faults()
    migrated.endpoint.resume()


@pytest.fixture
def memory(migrated: MigratedDatabase, app: Database, embedder: CohereEmbedder) -> Iterator[ChatMemory]:
    yield ChatMemory(app, embedder)
    migrated.endpoint.clear_faults()
    migrated.endpoint.resume()
