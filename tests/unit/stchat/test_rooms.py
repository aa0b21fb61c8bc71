"""The rooms: which may import which, what their doors export, and what a command needs to be installed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import stchat

ROOT = Path(__file__).parents[3]
ROOMS = ("chat", "data_api", "langchain", "langgraph", "postgres", "rotation", "state", "strands")
COMMANDS = ("schema", "db", "chat", "cost", "doctor", "smoke")
EXTRAS = (
    "aws_cdk", "cdk_nag", "constructs", "postgast", "psycopg", "ministack", "aiohttp",
    "langchain_core", "langgraph", "strands",
)  # fmt: skip
BASE_ALONE = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
sys.argv[0] = "stchat"
from stchat.ops.cli.main import main
sys.exit(main())
""".replace("EXTRAS", repr(EXTRAS))


def test_the_floors_and_no_cycle() -> None:
    """The contracts of pyproject.toml; `lint-imports` in a shell shows the same."""
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_a_room_is_entered_by_its_door() -> None:
    graph = grimp.build_graph("stchat", exclude_type_checking_imports=True, cache_dir=None)
    through_the_wall = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        for room in ROOMS
        if imported.startswith(f"stchat.{room}.")
        # `from stchat.data_api import retry` is the function that the door exports, not the module of its name.
        and imported.rpartition(".")[2] not in importlib.import_module(f"stchat.{room}").__all__
        and not f"{importer}.".startswith(f"stchat.{room}.")
    ]
    assert through_the_wall == []


@pytest.mark.parametrize("door", ["stchat", *(f"stchat.{room}" for room in ROOMS)])
def test_what_a_door_names_is_there(door: str) -> None:
    module = importlib.import_module(door)
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'stchat' has no attribute 'Chat'"):
        stchat.Chat  # noqa: B018


def base_alone(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BASE_ALONE, *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "LANG": "C"},
    )  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_starts_with_boto3_alone(command: str) -> None:
    done = base_alone(*filter(None, [command]), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: stchat")


def test_an_extra_that_is_missing_is_named() -> None:
    done = base_alone("schema", "check")
    assert done.returncode == 1
    assert done.stderr == 'error: this command needs the package postgast: pip install "stchat[cdk]"\n'


@pytest.mark.parametrize(
    "words", [("db", "tables"), ("chat", "themes", "u"), ("schema", "plan"), ("doctor",), ("smoke",)]
)
def test_no_traceback_in_a_plain_shell(words: tuple[str, ...]) -> None:
    done = base_alone(*words)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
