"""The library as the application's role, over both transports, and the local Bedrock. A user of its own
isolates each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import Database
from tests.support.migrated_database import MigratedDatabase, direct_app


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
