"""docs/frameworks.md is true: its Python runs, as an application would run it."""

from __future__ import annotations

from typing import Any

import pytest

from stchat.langgraph import DataApiSaver
from stchat.strands import StateStorage
from tests.support.checkpoints import at, values
from tests.support.guides import BLOCK
from tests.support.migrated_database import MigratedDatabase
from tests.support.repository import REPOSITORY

BLOCKS = BLOCK.findall((REPOSITORY / "docs" / "frameworks.md").read_text())  # in this process, which has imported all


@pytest.fixture
def application(migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in migrated.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("application")
def test_langgraph(user: str) -> None:
    [code] = [code for code, _ in BLOCKS if "DataApiSaver" in code]
    for _ in range(2):
        exec(code.replace("user-1", user), {})  # noqa: S102
    messages: list[Any] = values(DataApiSaver.from_env(user).get_tuple(at("1")))["messages"]
    assert [message.content for message in messages] == [
        "hello", "1 messages so far", "hello", "3 messages so far",
    ]  # fmt: skip


@pytest.mark.usefixtures("application")
def test_strands(user: str) -> None:
    [code] = [code for code, _ in BLOCKS if "StateStorage" in code]
    names: dict[str, Any] = {}
    exec(code.replace("user-1", user), names)  # noqa: S102
    assert isinstance(names["storage"], StateStorage)
    assert names["storage"].userid == user


@pytest.mark.usefixtures("application")
def test_the_stores(capsys: pytest.CaptureFixture[str]) -> None:
    ours = [(code, shown) for code, shown in BLOCKS if "from_env(" in code and "Store" in code]
    assert len(ours) == 3
    for code, shown in ours:
        exec(compile(code, "docs/frameworks.md", "exec"), {})  # noqa: S102 (the guide's own)
        assert capsys.readouterr().out == shown
