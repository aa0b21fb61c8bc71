"""The function's environment, over the migrated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stchat.chat import embeddings
from stchat.handlers import chat
from tests.support.migrated_database import MigratedDatabase


@pytest.fixture
def deployed(migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment that the stack gives the function, and the local AWS's addresses."""
    for name, value in migrated.environment.items():
        monkeypatch.setenv(name, value)
    chat._chat.cache_clear()
    embeddings._shared.cache_clear()
    yield
    migrated.endpoint.clear_faults()
    chat._chat.cache_clear()
    embeddings._shared.cache_clear()
