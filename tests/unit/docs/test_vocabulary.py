"""Retired words (docs/glossary.md has the ones that remain) stand in no file of the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

RETIRED = (
    r"\bthe source's\b",
    r"\b[Tt]he laptop's AWS\b",
    r"ノート PC の(中の)? ?AWS",
    r"\bway out\b",
    r"\bin doubt\b",
    r"\b[Rr]eckon(s|ed)?\b",
    r"\b[Rr]oads not taken\b",
    r"\b[Tt]he bars\b",
    r"\b([Ww]hoever|[Ss]omebody|[Nn]obody)\b",
    r"\b(re-)?keyed from\b",
    r"\bkey_roles\b",
    r"\balways-on\b",
    r"\bindex over everyone\b",
    r"\bindex_over_everyone\b",
    r"\bmust sleep\b",
    r"\b(NotYetError|InDoubtError|UnknownOutcomeError)\b",
    r"\bTries\b",
    r"\bpatience\b",
    r"\brepeatable\b",
    r"\bof_application\b",
    r"\b(WatchingStack|House|furnish\w*|victim)\b",
    r"\b(pause_after|reader_tier|storage_key|database_log)\b",
    r"(?<!_)\bwithin\(seconds\)",
)
PATTERN = re.compile("|".join(RETIRED))
# This list, the history, and files that are never edited or are written by other programs.
EXEMPT = re.compile(
    r"tests/unit/docs/test_vocabulary\.py|CHANGELOG\.md|sql/.*\.sql|.*package-lock\.json|requirements.*\.txt"
)
# Files that still have some, until the renaming of their area lands; a file that is clean leaves the list.
OPEN = frozenset(Path(__file__).with_name("files_still_open.txt").read_text().split())


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if not EXEMPT.fullmatch(name)]


def retired_words(path: Path) -> list[str]:
    """`line: words` for each line with a retired word; nothing for a file that is no text."""
    try:
        lines = path.read_text().splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    return [f"{number}: {found[0]}" for number, line in enumerate(lines, 1) for found in PATTERN.finditer(line)]


@pytest.mark.parametrize("name", tracked())
def test_no_retired_word_is_left(name: str, request: pytest.FixtureRequest) -> None:
    if name in OPEN:
        request.applymarker(pytest.mark.xfail(reason="its area is not renamed yet", strict=False))
    assert retired_words(REPOSITORY / name) == [], "docs/glossary.md has the words to use"
