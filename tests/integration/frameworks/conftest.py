"""The frameworks' stores as the application's role, over both transports. A user of its own isolates each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stchat.chat import ChatMemory, CohereEmbedder
from stchat.data_api import Database
from stchat.langgraph import DataApiSaver, DataApiStore
from tests.support.migrated_database import MigratedDatabase, direct_app


@pytest.fixture(params=["data_api", "postgres"])
def database_of_states(migrated: MigratedDatabase, request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "data_api":
        yield migrated.app
    else:
        direct = direct_app(migrated)
        yield direct
        direct.close()
    migrated.endpoint.clear_faults()


@pytest.fixture
def saver(database_of_states: Database, user: str) -> DataApiSaver:
    return DataApiSaver(database_of_states, user)


@pytest.fixture
def store(database_of_states: Database, embedder: CohereEmbedder) -> DataApiStore:
    return DataApiStore(ChatMemory(database_of_states, embedder))
