"""The setting of the global HNSW index, over a Data API that waits 1 s for a statement."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from stchat.data_api import DataApi
from stchat.errors import MigrationError, SettingsError
from stchat.handlers import schema
from stchat.schema import global_hnsw_index
from tests.support.data_api_endpoint import Endpoint
from tests.support.faults import Faulty
from tests.support.lambda_context import LambdaContext
from tests.support.schema_events import EVERYTHING, event

INDEX = "st_chat_history_vector_table_chat_vector_idx"
FILL = """
INSERT INTO st_chat_history_vector_table (userid, theme, chatid, chat_summary, chat_vector)
SELECT 'u', 't', n, 's', (SELECT array_agg(random() - 0.5)::vector FROM generate_series(1, 1024) WHERE n > 0)
FROM generate_series(1, 100) AS n"""
# Who writes to the table is waited for by a build CONCURRENTLY.
WRITING = "LOCK TABLE st_chat_history_vector_table IN ROW EXCLUSIVE MODE"


def deployed(index: str) -> int:
    """How many calls of is_complete it took."""
    calls, request = 1, str(uuid.uuid4())
    while not schema.is_complete(event("Update", *EVERYTHING, index=index, request=request), LambdaContext())[
        "IsComplete"
    ]:
        calls += 1
        assert calls < 600
        time.sleep(0.1)
    return calls


def state(schema_api: DataApi) -> list[bool]:
    """Whether it is valid; empty: it is not there."""
    sql = f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{INDEX}')"
    return [row["indisvalid"] for row in schema_api.execute(sql).rows]


@pytest.fixture
def filled(counted_client: Faulty, schema_api: DataApi) -> Iterator[Faulty]:
    deployed("false")
    assert state(schema_api) == []
    schema_api.execute(FILL)
    yield counted_client
    schema_api.execute("TRUNCATE st_chat_history_vector_table")
    deployed("true")


def test_off_and_on_again(filled: Faulty, schema_api: DataApi, short_limits: Endpoint) -> None:
    on = event("Update", *EVERYTHING, index="true", request="on")
    with short_limits.psql("st_chat_db") as writer, writer.transaction():
        writer.execute(WRITING)
        assert not schema.is_complete(on, LambdaContext())["IsComplete"], "it outlasts the call that begins it"
        assert not schema.is_complete(on, LambdaContext())["IsComplete"], "and is not begun twice"
    assert deployed("true")
    assert state(schema_api) == [True]
    with short_limits.psql("st_chat_db") as superuser:
        own = "SELECT setconfig FROM pg_db_role_setting WHERE setrole <> 0 AND setdatabase <> 0"
        assert superuser.execute(own).fetchall() == []
    for wanted, there in (("true", [True]), ("false", []), ("false", [])):
        assert deployed(wanted)
        assert state(schema_api) == there
    filled.calls = 0
    assert deployed("false") == 1
    assert filled.calls == 8, "two databases, two for the index, one to remember, codes, words, roles"


@pytest.mark.usefixtures("filled")
def test_two_deploys_at_once(schema_api: DataApi) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deployed, ("true", "true")))
    assert state(schema_api) == [True]


@pytest.mark.usefixtures("filled")
def test_a_deploy_that_was_rolled_back_changes_nothing_any_more(schema_api: DataApi) -> None:
    """CloudFormation's waiter goes on calling for a request that timed out, beside the one that rolls it back."""
    forward = event("Update", *EVERYTHING, index="true", request="forward")
    back = event("Update", *EVERYTHING, index="false", request="back")
    global_hnsw_index._remember(schema_api, ["StChatDevSchema forward"], 1)
    assert schema.is_complete(back, LambdaContext())["IsComplete"]
    assert schema.is_complete(forward, LambdaContext())["IsComplete"], "so that its waiter ends"
    assert state(schema_api) == []


@pytest.mark.usefixtures("filled")
def test_a_build_that_broke_off_is_cleared_away(schema_api: DataApi, short_limits: Endpoint) -> None:
    with short_limits.psql("st_chat_db") as writer, writer.transaction(), short_limits.psql("st_chat_db") as builder:
        writer.execute(WRITING)
        builder.execute("SET statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            builder.execute(global_hnsw_index._BUILD.encode())
    assert state(schema_api) == [False]
    deployed("true")
    assert state(schema_api) == [True]


@pytest.mark.usefixtures("filled")
def test_a_build_that_never_succeeds_fails_the_deploy(schema_api: DataApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails after its call has returned leaves no message: as here, where nothing is built at all."""
    with monkeypatch.context() as patched, pytest.raises(MigrationError) as raised:
        patched.setattr(global_hnsw_index, "start", lambda *_: None)
        deployed("true")
    assert str(raised.value) == (
        "the global HNSW index: did not get done in 3 attempts of over 45 s;"
        " PostgreSQL's message is in the cluster's log alone"
    )
    deployed("true")
    assert state(schema_api) == [True]


@pytest.mark.usefixtures("filled")
def test_a_build_that_fails_at_once_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(MigrationError) as raised:
        patched.setattr(global_hnsw_index, "_BUILD", global_hnsw_index._BUILD.replace("vector_l2_ops", "no_such_ops"))
        deployed("true")
    assert str(raised.value) == (
        'the global HNSW index: operator class "no_such_ops" does not exist for access method "hnsw" (SQLSTATE 42704)'
    )


def test_a_state_that_is_none(counted_client: Faulty) -> None:
    with pytest.raises(SettingsError) as raised:
        schema.on_event(event("Update", *EVERYTHING, index="maybe"), LambdaContext())
    assert str(raised.value) == (
        "the global HNSW index of st_chat_db must be true or false, got 'maybe': deploy with `cdk deploy`"
    )
    assert counted_client.calls == 0
