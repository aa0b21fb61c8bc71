"""mypy reads those modules of the CDK that the code names, and no others: a name missing in its list would be Any."""

from __future__ import annotations

import ast
import tomllib
from importlib.util import find_spec
from pathlib import Path

from tests.support.repository import REPOSITORY

SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["mypy"]


def named() -> set[str]:
    """The modules of the CDK that any file which mypy checks imports."""
    found = set()
    for room in (REPOSITORY / name for name in SETTINGS["files"]):
        for text in (file.read_text() for file in (room, *room.rglob("*.py")) if file.is_file()):
            if "aws_cdk" in text:
                for node in ast.walk(ast.parse(text)):
                    if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "aws_cdk":
                        found |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if is_module(name)}


def is_module(name: str) -> bool:
    package = find_spec("aws_cdk")
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parents[1] / name.replace(".", "/") / "__init__.py").exists()


def test_mypy_reads_every_module_that_is_imported() -> None:
    [skipped] = [one for one in SETTINGS["overrides"] if one["module"] == ["aws_cdk.*"]]
    [read] = [one for one in SETTINGS["overrides"] if "aws_cdk" in one["module"]]
    assert (skipped["follow_imports"], read["follow_imports"]) == ("skip", "normal")
    assert named() - set(read["module"]) == set()
    assert {"aws_cdk", "aws_cdk.aws_rds", "aws_cdk.assertions"} <= named()
