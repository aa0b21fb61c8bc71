"""The library as the application's role, over the Data API and the Bedrock of the laptop. A user of its own isolates
each test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config

from local_aws.state import REGION
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import DataApi
from tests.integration.migrated_database import MigratedDatabase


@pytest.fixture(scope="session")
def embedder(migrated: MigratedDatabase) -> CohereEmbedder:
    session = boto3.Session("test", "test", region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
    return CohereEmbedder(session.client("bedrock-runtime", endpoint_url=migrated.endpoint.url, config=config))


@pytest.fixture
def history(migrated: MigratedDatabase) -> Iterator[ChatHistory]:
    yield ChatHistory(migrated.app)
    migrated.endpoint.clear_faults()
    migrated.endpoint.resume()


@pytest.fixture
def memory(migrated: MigratedDatabase, embedder: CohereEmbedder) -> Iterator[ChatMemory]:
    yield ChatMemory(migrated.app, embedder)
    migrated.endpoint.clear_faults()
    migrated.endpoint.resume()


@pytest.fixture
def user() -> str:
    return f"user {uuid.uuid4().hex[:12]}"


def axis(number: int, lean: float = 0.0) -> list[float]:
    """A vector along one of the dimensions, or leaning towards the next: its cosine to that one then falls."""
    vector = [0.0] * 1024
    vector[number], vector[number + 1] = 1.0, lean
    return vector


class Watched:
    """A client that counts the calls of each operation, and has something done before one of them, counted from 0."""

    def __init__(self, client: Any, at: int | None = None, do: Callable[[], object] = lambda: None) -> None:
        self.client, self.at, self.do = client, at, do
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if len(self.calls) == self.at:
                self.do()
            self.calls.append(operation)
            return getattr(self.client, operation)(**arguments)

        return call


def watched(api: DataApi, client: Watched) -> DataApi:
    return replace(api, client=cast(Any, client))
