"""The list of decisions by area: `make snapshots` writes docs/decisions/README.md anew, a test compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

DECISIONS = Path(__file__).parent / "decisions"
INTRODUCTION = """\
# Decisions (ADR)

One page for each decision that a newcomer would question: what was needed, what was chosen, which alternatives
there were, and why. The date is the day of the decision; a status is Accepted, or Superseded with the next
one's number.

"""
# The first two digits of a number are the area.
AREAS: Mapping[str, str] = {
    "00": "CDK app, settings, local AWS",
    "01": "Local RDS Data API",
    "02": "Schema migrations",
    "03": "Secret rotation",
    "04": "Chat history and chat memory",
    "05": "Chat function and embeddings",
    "06": "Operations, cost, security",
    "07": "Transports",
}
# `# 0201: Title`, an empty line, `2026-11-23 · Accepted`.
HEAD = re.compile(
    r"# (?P<number>\d{4}): (?P<title>.+)\n\n(?P<date>\d{4}-\d\d-\d\d) · (?P<status>Accepted|Superseded by \d{4})\n"
)


def index() -> str:
    """The document: a table for each area, a row for each decision."""
    return INTRODUCTION + "\n".join(_area(digits, title) for digits, title in AREAS.items())


def _area(digits: str, title: str) -> str:
    return f"## {title}\n\n| | decision | date | status |\n| --- | --- | --- | --- |\n" + "".join(_rows(digits))


def _rows(digits: str) -> Iterator[str]:
    for path in sorted(DECISIONS.glob(f"{digits}[0-9][0-9]-*.md")):
        head = HEAD.match(path.read_text())
        if not head or not path.name.startswith(head["number"]):
            raise ValueError(f"{path} must begin with `# {path.name[:4]}: title`, an empty line, `date · status`")
        yield f"| {head['number']} | [{head['title']}]({path.name}) | {head['date']} | {head['status']} |\n"


if __name__ == "__main__":
    (DECISIONS / "README.md").write_text(index())
