"""docs/generated/costs.md ends with what `stchat cost` prints for the templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks.config import STAGES
from stchat.ops import prices
from stchat.ops.cli.cost import report
from stchat.ops.cost import Load
from stchat.ops.templates import Billed

DOCUMENT = Path("docs/generated/costs.md")
MARK = "<!-- From here on: stchat cost -->\n\n"


def test_document_is_what_the_command_says(
    request: pytest.FixtureRequest, templates: Callable[[str], dict[str, dict[str, Any]]]
) -> None:
    billed = [Billed.from_templates(stage, templates(stage).values()) for stage in STAGES]
    printed = report(billed, Load(), prices.load()).to_text() + "\n"
    head, mark, now = DOCUMENT.read_text().partition(MARK)
    assert mark
    if request.config.getoption("--update-snapshots"):
        DOCUMENT.write_text(head + mark + printed)
        now = printed
    assert now == printed, "if this is meant: make snapshots"
