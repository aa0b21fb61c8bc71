"""README.md is short, and each Japanese document has the headings, commands and numbers of the English one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

PAIRS = [(REPOSITORY / "README.md", REPOSITORY / "README.ja.md")] + [
    (REPOSITORY / "docs" / path.name, path)
    for path in sorted((REPOSITORY / "docs" / "ja").glob("*.md"))
    if path.name != "README.md"
]
every_pair = pytest.mark.parametrize(("english", "japanese"), PAIRS, ids=lambda path: str(path.relative_to(REPOSITORY)))

KANA = r"[぀-ヿ一-鿿、。]"


def headings(path: Path) -> list[str]:
    """The levels of the headings, such as ['#', '##']."""
    return re.findall(r"^(#+) ", prose(path), re.MULTILINE)


def blocks(path: Path) -> list[list[str]]:
    """The lines of each code block, without comments, blank ends and what is padding between words."""
    found = re.findall(r"^```\w*\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
    return [[re.sub(r"\s+#\s.*", "", line).rstrip() for line in block.splitlines()] for block in found]


def prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def numbers(path: Path) -> Counter[str]:
    """Numbers with a unit or a fraction, which a translation must not change; links and code are left out."""
    text = re.sub(r"\]\([^)]*\)|`[^`]*`", "", prose(path))
    text = re.sub(r"(?<=\d),(?=\d{3})|\d+ 月", "", text)  # a month is a word in English
    found = re.findall(r"(?<![\w.])\d+(?:\.\d+)+|(?<![\w.-])\d{2,}(?![\w.-]*\d)", text)
    return Counter(found)


@every_pair
def test_headings_have_the_same_structure(english: Path, japanese: Path) -> None:
    assert headings(japanese) == headings(english)


@every_pair
def test_code_blocks_have_the_same_commands(english: Path, japanese: Path) -> None:
    assert blocks(japanese) == blocks(english)


@every_pair
def test_numbers_are_the_same(english: Path, japanese: Path) -> None:
    assert set(numbers(japanese)) == set(numbers(english))


@pytest.mark.parametrize("japanese", [pair[1] for pair in PAIRS], ids=lambda path: path.name)
def test_no_line_breaks_inside_a_japanese_sentence(japanese: Path) -> None:
    """GitHub shows a line break as a blank."""
    assert re.findall(rf"{KANA}\n[^\n#|`\-\d<!]", prose(japanese)) == []


def test_readme_has_at_most_900_words() -> None:
    assert len((REPOSITORY / "README.md").read_text().split()) <= 900
