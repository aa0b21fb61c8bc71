"""Documents as what they tell a person to type: blocks of shell by section."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# A heading or a fenced block; blocks are matched whole, so that their comments are no headings.
PIECE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$|^#+ (?P<heading>[^\n]*)$", re.MULTILINE | re.DOTALL)
# The first line of a block that only an account of AWS's can run.
ELSEWHERE = "# AWS alone: "


@dataclass(frozen=True)
class Block:
    section: str
    text: str

    @property
    def runs_here(self) -> bool:
        return not self.text.startswith(ELSEWHERE)


def shell_blocks(path: Path) -> list[Block]:
    """Every block of shell in a document, under the heading that it stands below."""
    found, section = [], ""
    for piece in PIECE.finditer(path.read_text()):
        section = piece["heading"] or section
        if piece["language"] == "sh":
            found.append(Block(section, piece["text"]))
    return found
