"""docs/production.md describes the stacks as they are: its settings can be set, its alarms are the ones there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from stacks.config import Settings, dev, prod
from tests.support.templates import alarms

DEV = dev()
PROD = prod()

TEXT = Path("docs/production.md").read_text()
NAMED = (
    "stage",
    "network_name",
    "security_group_name",
    "master_secret_name",
    "subnet_group_name",
    "cluster_identifier",
)


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    rows = re.search(rf"# {heading}\n(?s:.*?)((?:^\|.*\n)+)", TEXT, re.MULTILINE)
    assert rows is not None, heading
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows[1].splitlines()[2:]]


@pytest.mark.parametrize("row", table("Provisioned, or a mix"), ids=lambda row: row[0])
def test_every_kind_of_compute_can_be_set(row: list[str]) -> None:
    values = eval(f"dict({row[1].strip('`')})", {"ec2": ec2, "Duration": Duration})  # noqa: S307 (our own document)
    assert isinstance(replace(DEV, **values), Settings)


def test_every_setting_of_prod_is_documented() -> None:
    documented = set(
        re.findall(
            r"`(\w+)`",
            " ".join(row[0] for row in table("From dev to prod: deploy, take the rows along, instance types, alarms")),
        )
    )
    differs = {f.name for f in fields(Settings) if getattr(DEV, f.name) != getattr(PROD, f.name)}
    assert documented == differs - set(NAMED)


def test_every_alarm_is_documented(templates: Callable[[str], dict[str, dict[str, Any]]]) -> None:
    documented = " ".join(row[0] for row in table("When an alarm rings"))
    for id in alarms(templates("prod")["Monitoring"]):
        assert id in documented or f"...{re.sub('^(Migration|Rotation|Chat)', '', id)}" in documented, id
