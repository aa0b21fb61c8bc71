"""docs/frameworks.md is true where it shows what is printed."""

from __future__ import annotations

import pytest

from tests.support.guides import BLOCK, environment
from tests.support.migrated_database import MigratedDatabase
from tests.support.repository import REPOSITORY


def test_the_stores(
    migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, which has imported the frameworks already: that takes seconds."""
    for name, value in environment(migrated).items():
        monkeypatch.setenv(name, value)
    blocks = BLOCK.findall((REPOSITORY / "docs" / "frameworks.md").read_text())
    ours = [(code, shown) for code, shown in blocks if "from_env(" in code and "Store" in code]
    assert len(ours) == 3
    for code, shown in ours:
        exec(compile(code, "docs/frameworks.md", "exec"), {})  # noqa: S102 (the guide's own)
        assert capsys.readouterr().out == shown
