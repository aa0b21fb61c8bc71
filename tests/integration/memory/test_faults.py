"""What a caller lives through on AWS: sleep, throttles, lost answers, in the middle of a batch too."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory, Remembered
from stchat.data_api import DataApi, Database
from stchat.errors import EmbeddingUnavailableError, OutcomeUnknownError, PartialError, UnavailableError
from tests.support.faults import Watched, data_api, watched
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

FAULTS = ["throttle", "error_before", "error_after", "drop_before", "drop_after"]


@pytest.fixture
def app(migrated: MigratedDatabase) -> Database:
    """The faults are the local Data API's: those of a direct connection are in tests/integration/postgres."""
    return migrated.app


@pytest.fixture
def items(user: str) -> list[dict[str, object]]:
    """Three batches."""
    return [
        {"userid": user, "theme": "t", "chatid": number, "summary": f"summary {number}", "vector": axis(number)}
        for number in range(200)
    ]


def stored(migrated: MigratedDatabase, user: str) -> int:
    sql = "SELECT count(*) AS n FROM st_chat_history_vector_table WHERE userid = :userid"
    [row] = migrated.master.execute(sql, {"userid": user}).rows
    return int(row["n"])


@pytest.mark.parametrize("kind", FAULTS)
def test_every_operation_outlives_a_fault(
    migrated: MigratedDatabase, history: ChatHistory, memory: ChatMemory, user: str, kind: str
) -> None:
    """A lost answer is asked for again, and a write whose answer was lost finds itself: False is "it is there"."""
    ran = kind.endswith("_after")

    def meet(operation: Callable[[], object]) -> object:
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_")
        return operation()

    assert meet(lambda: history.add(user, "t", 1, "hello", "hi")) is not ran
    assert len(history.turns(user)) == 1
    assert meet(lambda: memory.remember(user, "t", 1, "s", vector=axis(1))) is not ran
    assert stored(migrated, user) == 1
    assert meet(lambda: [turn.userinput for turn in history.turns(user)]) == ["hello"]
    assert meet(lambda: [theme.turns for theme in history.themes(user)]) == [1]
    assert meet(lambda: [one.summary for one in memory.recall_vector(user, axis(1))]) == ["s"]
    assert meet(lambda: history.delete(user)) == (0 if ran else 1)
    assert meet(lambda: memory.delete(user)) == (0 if ran else 1)
    assert (history.turns(user), stored(migrated, user)) == ([], 0)


@pytest.mark.parametrize("kind", FAULTS)
def test_the_model_is_asked_again(migrated: MigratedDatabase, memory: ChatMemory, user: str, kind: str) -> None:
    migrated.endpoint.add_fault(kind, operation="InvokeModel", count=2)
    assert memory.remember(user, "t", 1, "the cat likes tuna")
    migrated.endpoint.add_fault(kind, operation="InvokeModel", count=2)
    assert len(memory.recall(user, "cat")) == 1


def test_a_cluster_that_sleeps_is_waited_for(
    migrated: MigratedDatabase, history: ChatHistory, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "stchat")
    migrated.endpoint.pause()
    assert history.with_timeout(20).add(user, "t", 1, "hello", "hi")
    assert "resuming after being auto-paused" in caplog.messages[0]
    assert user not in caplog.text


def test_a_deadline_is_the_whole_operations(
    migrated: MigratedDatabase, memory: ChatMemory, history: ChatHistory, user: str
) -> None:
    """The model's share is taken from what is left for the database."""
    migrated.endpoint.add_fault("throttle", count=-1)
    started = time.monotonic()
    with pytest.raises(EmbeddingUnavailableError):
        memory.with_timeout(1.0).recall(user, "query")
    with pytest.raises(UnavailableError):
        history.with_timeout(1.0).turns(user)
    assert 0.6 < time.monotonic() - started < 5
    migrated.endpoint.clear_faults()
    migrated.endpoint.add_fault("latency", operation="InvokeModel", seconds=1.2)
    migrated.endpoint.add_fault("throttle", operation="ExecuteStatement", count=-1)
    client = Watched(data_api(memory.api).client)
    with pytest.raises(UnavailableError):
        ChatMemory(watched(data_api(memory.api), client), memory.embedder).with_timeout(1.5).recall(user, "query")
    assert len(client.calls) <= 3  # 1.5 s would be enough for 5


def test_a_cluster_pauses_in_the_middle_of_a_batch(
    migrated: MigratedDatabase,
    memory: ChatMemory,
    user: str,
    items: list[dict[str, object]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "stchat")
    client = Watched(data_api(memory.api).client, at=1, do=migrated.endpoint.pause)
    sleepy = ChatMemory(watched(data_api(memory.api), client), memory.embedder)
    assert sleepy.remember_many(items) == Remembered(created=200)
    assert any("resuming after being auto-paused" in message for message in caplog.messages)
    assert stored(migrated, user) == 200


FAILURES: dict[str, tuple[dict[str, object], type[Exception], int]] = {
    # rule; what then stops the second batch; how many of its 96 are there all the same
    "throttled": ({"kind": "throttle"}, UnavailableError, 0),
    "failed before": ({"kind": "error_before"}, OutcomeUnknownError, 0),
    "failed after": ({"kind": "error_after"}, OutcomeUnknownError, 96),
    "cut off after": ({"kind": "drop_after"}, OutcomeUnknownError, 96),
}


@pytest.mark.parametrize(("rule", "cause", "there"), FAILURES.values(), ids=FAILURES)
def test_a_batch_that_fails_half_way_is_reported_and_can_be_sent_again(
    migrated: MigratedDatabase,
    memory: ChatMemory,
    user: str,
    items: list[dict[str, object]],
    rule: dict[str, object],
    cause: type[Exception],
    there: int,
) -> None:
    fail = lambda: migrated.endpoint.add_fault(**rule, sql="st_chat_remember", count=-1)  # type: ignore[arg-type] # noqa: E731
    failing = ChatMemory(
        watched(data_api(memory.api), Watched(data_api(memory.api).client, at=1, do=fail)), memory.embedder
    )
    with pytest.raises(PartialError) as raised:
        failing.with_timeout(0.5).remember_many(items)
    error = raised.value
    assert (error.stored, error.items, error.created, error.existing, error.truncated) == (96, 200, 96, 0, [])
    assert type(error.cause) is cause
    assert str(error) == (
        f"96 of 200 items are stored (96 created, 0 already existed), then the next batch failed: {error.cause}:"
        " send all 200 again, nothing is stored twice"
    )
    assert stored(migrated, user) == 96 + there
    migrated.endpoint.clear_faults()
    assert memory.remember_many(items) == Remembered(created=104 - there, existing=96 + there)
    assert stored(migrated, user) == 200


def test_the_model_fails_half_way(
    migrated: MigratedDatabase, memory: ChatMemory, user: str, items: list[dict[str, object]]
) -> None:
    without = [{name: value for name, value in item.items() if name != "vector"} for item in items]
    fail = Watched(
        memory.embedder.client,  # type: ignore[attr-defined]
        at=2,
        do=lambda: migrated.endpoint.add_fault("throttle", operation="InvokeModel", count=-1),
    )
    failing = ChatMemory(memory.api, CohereEmbedder(fail))  # type: ignore[arg-type]
    with pytest.raises(PartialError) as raised:
        failing.with_timeout(0.5).remember_many(without)
    assert (raised.value.stored, type(raised.value.cause)) == (192, EmbeddingUnavailableError)
    assert stored(migrated, user) == 192


def test_what_stored_nothing_raises_its_cause(
    migrated: MigratedDatabase, memory: ChatMemory, items: list[dict[str, object]]
) -> None:
    migrated.endpoint.add_fault("throttle", count=-1)
    with pytest.raises(UnavailableError):
        memory.with_timeout(0.3).remember_many(items)


def test_a_long_answer_that_is_cut_off(migrated: MigratedDatabase, memory: ChatMemory, user: str) -> None:
    """What is read through a cursor, in a transaction, is read from the beginning."""
    summaries = [f"{number}" + "x" * 399_000 for number in range(4)]
    for number, summary in enumerate(summaries):
        memory.remember(user, "t", number, summary, vector=axis(1, number))
    migrated.endpoint.add_fault("drop_after", sql="^FETCH", count=2)
    assert [one.summary for one in memory.recall_vector(user, axis(1))] == summaries
    migrated.endpoint.add_fault("drop_after", sql="^FETCH", count=-1)
    with pytest.raises(OutcomeUnknownError):
        memory.with_timeout(0.5).recall_vector(user, axis(1))


def test_patience_is_the_data_apis(history: ChatHistory, memory: ChatMemory) -> None:
    patient: DataApi = data_api(history.with_timeout(7).api)
    assert (patient.timeout, memory.with_timeout(7).api.timeout) == (7, 7)
    assert history.api.timeout == memory.api.timeout == 20
