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


def test_the_end_to_end_story_is_of_the_files_that_share_a_local_aws() -> None:
    """One worker runs them all: another one would bring up a second."""
    folder = REPOSITORY / "tests" / "e2e"
    [story] = [
        ast.literal_eval(node.value)
        for node in ast.parse((REPOSITORY / "tests" / "conftest.py").read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STORY"
    ]
    assert [file.stem for file in sorted(folder.glob("test_*.py")) if uses(file, "local_aws")] == [
        f"test_{name}" for name in story
    ]


def uses(file: Path, fixture: str) -> bool:
    """Whether a test or a fixture of the file takes that fixture."""
    return any(
        fixture in [argument.arg for argument in node.args.args]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and (node.name.startswith("test_") or any("fixture" in ast.unparse(mark) for mark in node.decorator_list))
    )
