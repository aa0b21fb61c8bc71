"""Retired words (docs/glossary.md has the ones that remain) stand in no file of the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

# A pattern, and the word that stands for it now or the reason why it is retired.
RETIRED = {
    r"\b[Tt]he source('s| as)\b|\bthe source has\b": "the original schema",
    r"\b[Tt]he reference configuration\b": "the baseline configuration",
    r"\b([Tt]he|a|one|on) laptop('s)?\b|\blaptop's\b": "the local AWS; or any machine",
    r"ノート PC の(中の)? ?AWS": "ローカル AWS",
    r"\b[Ii]ndex over everyone\b|\bindex_over_everyone\b": "the global HNSW index",
    r"\b(_outlast|_politely|tidy_up)\b": "wait_for_completion, best_effort, clean_up",
    r"\bNotYetError\b": "RetryLater",
    r"\b(InDoubtError|UnknownOutcomeError)\b|\bin doubt\b": "TransientError, OutcomeUnknownError",
    r"\b[Pp]ass(es)? by itself\b": "transient",
    r"\bmend(s|ed|ing)?\b": "repair, fix",
    r"\b(re-)?keyed\b|\bKEYED\b|\bkeys the roles\b|\bkey_roles\b": "the password is set, set_role_passwords",
    r"\b[Rr]emembered\((written|known)=": "created, existing, truncated (the wire fields stay)",
    r"\btold as\b|\b(is|are|be) told\b|, say `": "message, reports, shows",
    r'\("says"|"says"\)|\bsays: str\b|\bsays=': "message, summary",
    r"\bmay be (repeated|sent again): nothing\b|\b[Rr]epeatable\b": "idempotent, safe to retry",
    r"\bpatience\b|\bTries\b|(?<!_)\bwithin\(seconds\)": "timeout, Backoff, with_timeout",
    r"\b[Ww]ay out\b|\bway_out\b": "hint",
    r"\bof_application\b|\bBilled\.of\b": "from_settings",
    r"\b(Unread|Facts)\b": "ReadFailure, ClusterState",
    r"\b[Rr]eckon(s|ed|ing)?\b": "estimate, calculate",
    r"\b[Rr]oads not taken\b": "alternatives",
    r"\b[Tt]he guards\b": "the policy checks",
    r"\bmust sleep\b|\bkeeps? (a|the|it|one|this)( \w+)* awake\b|\bWaker\b": "blocks auto-pause",
    r"\basleep\b|\bsleeping cluster\b|\bfalls asleep\b": "paused",
    r"\balways-on\b": "provisioned",
    r"\b(pause_after|reader_tier|storage_key|database_log)\b": "AWS's names",
    r"\bWatchingStack\b": "Monitoring",
    r"\b(House|furnish\w*)\b": "MigratedDatabase, apply_migrations",
    r"\b([Mm]ortal|[Vv]ictims?)\b": "crash injection, other_user",
    r"\b[Tt]he [Bb]ars\b|\b[Hh]ard times\b": "acceptance criteria, worst case",
    r"\b([Ww]hoever|[Ss]omebody|[Nn]obody)\b": "the caller, an operator, a user",
    r"\b(is|are) no problem\b": "is not a problem",
}
PATTERN = re.compile("|".join(RETIRED))
# This list, the history, and files that are never edited or are written by other programs.
EXEMPT = re.compile(
    r"tests/unit/docs/test_vocabulary\.py|CHANGELOG\.md|sql/.*\.sql|.*package-lock\.json|requirements.*\.txt"
)


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
def test_no_retired_word_is_left(name: str) -> None:
    assert retired_words(REPOSITORY / name) == [], "docs/glossary.md has the words to use"
