"""docs/generated/costs.md ends with what `stchat cost` prints for the templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stacks.config import STAGES, dev
from stchat.ops import prices
from stchat.ops.cli.cost import report
from stchat.ops.cost import Load, bill, without_readers
from stchat.ops.templates import Billed
from tests.support.templates import synthesize

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


def test_what_readers_0_saves_is_the_difference_to_a_stage_without_readers() -> None:
    """The line of the report is an estimate from the templates with a reader; these are the templates without one."""
    load, price_list = Load(), prices.load()
    stages = {count: synthesize(replace(dev(), readers=count)) for count in (0, 1)}
    billed = {count: Billed.from_templates("dev", found.values()) for count, found in stages.items()}
    lines = {count: bill(each, load, price_list) for count, each in billed.items()}
    busy = {count: sum(line.price.of(line.busy) for line in found) for count, found in lines.items()}
    saved = without_readers(billed[1], load, price_list)
    assert saved
    assert saved[1] == pytest.approx(busy[1] - busy[0])
    assert saved[1] > 0
    assert without_readers(billed[0], load, price_list) is None
    assert "readers=0 saves" not in report([billed[0]], load, price_list).to_text()
