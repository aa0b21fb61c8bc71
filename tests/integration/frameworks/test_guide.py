"""docs/frameworks.md is true: its Python runs, as an application would run it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local_aws.state import REGION
from stchat.langgraph import DataApiSaver
from stchat.strands import StateStorage
from tests.support.checkpoints import at, values
from tests.support.migrated_database import MigratedDatabase
from tests.support.repository import REPOSITORY

BLOCKS = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "frameworks.md").read_text(), re.DOTALL)


@pytest.fixture
def application(migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", migrated.endpoint.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", migrated.app.cluster_arn)
    monkeypatch.setenv("STCHAT_APP_SECRET_ARN", migrated.app.secret_arn)
    monkeypatch.setenv("STCHAT_DATABASE", migrated.app.database)


@pytest.mark.usefixtures("application")
def test_langgraph(user: str) -> None:
    [code] = [block for block in BLOCKS if "DataApiSaver" in block]
    for _ in range(2):
        exec(code.replace("user-1", user), {})  # noqa: S102
    messages: list[Any] = values(DataApiSaver.from_env(user).get_tuple(at("1")))["messages"]
    assert [message.content for message in messages] == [
        "hello", "1 messages so far", "hello", "3 messages so far",
    ]  # fmt: skip


@pytest.mark.usefixtures("application")
def test_strands(user: str) -> None:
    [code] = [block for block in BLOCKS if "StateStorage" in block]
    names: dict[str, Any] = {}
    exec(code.replace("user-1", user), names)  # noqa: S102
    assert isinstance(names["storage"], StateStorage)
    assert names["storage"].userid == user
