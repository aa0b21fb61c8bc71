"""Each operation is one call of the Data API, and recall and remember one more of Bedrock; nothing of it is logged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import Database
from tests.support.faults import Watched, data_api, watched
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

OPERATIONS: dict[str, tuple[Callable[[ChatHistory, ChatMemory, str], object], int]] = {
    "add": (lambda history, _, user: history.add(user, user, 1, user, user), 0),
    "turns": (lambda history, _, user: history.turns(user, user), 0),
    "themes": (lambda history, _, user: history.themes(user), 0),
    "delete": (lambda history, _, user: history.delete(user), 0),
    "remember": (lambda _, memory, user: memory.remember(user, user, 1, user, {user: user}), 1),
    "remember with a vector": (lambda _, memory, user: memory.remember(user, user, 2, user, None, axis(1)), 0),
    "recall": (lambda _, memory, user: memory.recall(user, user, 3, user, {user: user}), 1),
    "recall_vector": (lambda _, memory, user: memory.recall_vector(user, axis(1)), 0),
    "remember with an id": (lambda _, memory, user: memory.remember(user, user, 2, user, None, axis(1), user), 0),
    "get": (lambda _, memory, user: memory.get(user, [user]), 0),
    "list": (lambda _, memory, user: memory.list(user, user), 0),
    "update": (lambda _, memory, user: memory.update(user, user, summary=user), 1),
    "update without a summary": (lambda _, memory, user: memory.update(user, user, metadata={user: user}), 0),
    "forget": (lambda _, memory, user: memory.forget(user, [user]), 0),
    "delete memories": (lambda _, memory, user: memory.delete(user, user), 0),
}


@pytest.fixture
def app(migrated: MigratedDatabase) -> Database:
    """What is counted are calls of the Data API."""
    return migrated.app


@pytest.mark.parametrize(("operation", "of_bedrock"), OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_is_one_call(
    memory: ChatMemory,
    user: str,
    operation: Callable[[ChatHistory, ChatMemory, str], object],
    of_bedrock: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "stchat")
    data, bedrock = Watched(data_api(memory.api).client), Watched(memory.embedder.client)  # type: ignore[attr-defined]
    api = watched(data_api(memory.api), data)
    operation(ChatHistory(api), ChatMemory(api, CohereEmbedder(bedrock)), user)  # type: ignore[arg-type]
    assert data.calls == ["execute_statement"]
    assert bedrock.calls == ["invoke_model"] * of_bedrock
    assert user not in caplog.text
