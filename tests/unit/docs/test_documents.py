"""The documents speak of what is there: links, headings, files, make targets, commands."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from docs.index import DECISIONS, index
from local_aws.cli import _parser as local_parser
from stchat.ops.cli.main import _parser as stchat_parser
from tests.support.documents import ELSEWHERE, shell_blocks
from tests.support.repository import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("README*.md"), *REPOSITORY.glob("docs/**/*.md")])
# What begins a path of this repository, in a text.
FOLDERS = "benchmarks|constructs_lib|docs|examples|local_aws|pipeline|sql|stacks|stchat|tests|\\.github|\\.ci"

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))


def code(path: Path) -> str:
    """What a document sets as code, without the shell's comments."""
    text = path.read_text()
    blocks = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`[^`\n]+`", text)
    return "\n".join([*(re.sub(r" #.*", "", block) for block in blocks), *spans])


def anchors(path: Path) -> set[str]:
    """GitHub's anchors of a document's headings, and those that it names itself."""
    text = path.read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    named = set(re.findall(r'<a id="([\w-]+)">', text))
    return named | {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(there), f"{target} has no such heading"


@every_document
def test_files_that_are_named_are_there(path: Path) -> None:
    named = re.findall(rf"(?<![\w/.<-])((?:{FOLDERS})/[\w./-]*\w\.\w+)", path.read_text())
    for file in named:
        example = re.search(r"NNNN|/00\d\d_(?!0)", file)  # a migration that a reader is to write, or wrote once
        assert example or (REPOSITORY / file).exists(), f"{file} is not there"


@every_document
def test_make_targets_that_are_named_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", code(path))) <= targets


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """A parser's commands; none where its arguments begin."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: command for action in actions for name, command in action.choices.items()}


@every_document
def test_commands_that_are_named_exist(path: Path) -> None:
    for parser, program in ((stchat_parser(), "stchat"), (local_parser(["data-api"]), "local-aws")):
        for words in re.findall(rf"(?:^|[`(]|\| ){program}((?: [a-z][a-z-]+)+)", code(path), re.MULTILINE):
            known = commands(parser)
            for word in words.split():
                assert not known or word in known, f"{program}{words}: not {word}, but {', '.join(known)}"
                known = commands(known[word]) if known else {}


@every_document
def test_modules_that_are_named_exist(path: Path) -> None:
    for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", code(path)):
        assert importlib.util.find_spec(module), f"there is no {module}"


def test_the_index_of_decisions_is_of_those_that_are_there() -> None:
    assert (DECISIONS / "README.md").read_text() == index(), "make snapshots"


def test_each_document_is_in_the_index() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text()
    for path in REPOSITORY.glob("docs/*.md"):
        assert path.name == "README.md" or f"]({path.name})" in index, f"{path} is not in docs/README.md"


def test_what_cannot_run_on_the_local_aws_has_a_reason() -> None:
    blocks = shell_blocks(REPOSITORY / "docs" / "operations.md")
    elsewhere = [block for block in blocks if not block.runs_here]
    assert len(elsewhere) < len(blocks) - len(elsewhere)
    for block in elsewhere:
        assert len(block.text.splitlines()[0].removeprefix(ELSEWHERE).split()) > 2


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("docs/**/*.md")), ids=lambda path: path.name)
def test_blocks_of_shell_are_shell(path: Path) -> None:
    for block in shell_blocks(path):
        checked = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", ["adopt.md", "ja/adopt.md"])
def test_adopt_counts_its_commands(name: str) -> None:
    path = REPOSITORY / "docs" / name
    typed = "".join(block.text for block in shell_blocks(path) if not block.section.startswith("0."))
    number = len(re.findall(r"^[^\s}]", typed, re.MULTILINE))  # what goes on, or ends, a command before it is indented
    assert re.search(rf"It takes {number} commands|コマンドは {number} 個", path.read_text())
