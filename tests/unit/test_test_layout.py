"""How the tests are laid out: helpers in tests/support, and fixtures that a reader finds under one name."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

FILES = sorted((REPOSITORY / "tests").rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The modules that a file names in its imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def fixtures(file: Path) -> list[str]:
    """The names of the fixtures that a file defines."""
    return [
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(mark) for mark in node.decorator_list)
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY / "tests")))
def test_no_file_imports_a_test_module_or_a_conftest(file: Path) -> None:
    last = {name.rpartition(".")[2] for name in imported(file) if name.startswith("tests.")}
    assert not {name for name in last if name.startswith("test_") or name == "conftest"}


def test_a_fixtures_name_is_unique_across_conftests() -> None:
    names = Counter(name for file in FILES if file.name == "conftest.py" for name in fixtures(file))
    assert not [name for name, count in names.items() if count > 1]
