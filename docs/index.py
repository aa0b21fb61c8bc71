"""The list of decisions, by their titles: `make snapshots` writes docs/decisions/README.md anew, a test compares it."""

from __future__ import annotations

from pathlib import Path

DECISIONS = Path(__file__).parent / "decisions"
INTRODUCTION = """\
# Decisions

What a newcomer would question, half a page each: what was needed, what was chosen, what was not, and why.

"""


def index() -> str:
    """One line a decision, whose file begins with its number and its first line with `# <number>: `."""
    lines = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        number = path.name.split("-")[0]
        title = path.read_text().splitlines()[0].removeprefix("# ").removeprefix(f"{number}: ")
        lines.append(f"- [{number}]({path.name}): {title}\n")
    return INTRODUCTION + "".join(lines)


if __name__ == "__main__":
    (DECISIONS / "README.md").write_text(index())
