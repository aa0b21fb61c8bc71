"""docs/generated/findings.md is what the packs find, each finding has its reason, and each reason its finding."""

from __future__ import annotations

import pytest

from docs.findings import TABLE, acknowledged, answer, findings, new_app, write
from stacks.acknowledged import ACKNOWLEDGED
from stacks.config import prod

PROD = prod()


def test_table_is_of_the_stacks(request: pytest.FixtureRequest) -> None:
    now = write()
    if request.config.getoption("--update-snapshots"):
        TABLE.write_text(now)
    assert now == TABLE.read_text(), "if every row's reason is one that a reviewer would accept: make findings"
    assert "**open**" not in now


def test_no_reason_is_left_of_a_finding_that_is_gone() -> None:
    found, reasons = findings(PROD), acknowledged(new_app(PROD))
    assert {finding.rule for finding in found} >= set(ACKNOWLEDGED)
    packs = tuple({f"{finding.pack}::" for finding in found})
    used = {answer(finding, reasons) for finding in found}
    local = {
        (rule, reason)
        for path, acknowledgments in reasons.items()
        for rule, reason in acknowledgments.items()
        if path and rule.startswith(packs)
    }
    assert {(rule, reason) for rule, reason in local if reason not in used} == set()
