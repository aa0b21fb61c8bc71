"""The Fargate service of a stage: off by default; with an image, one more stack, and nothing changes in the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cfnlint import lint
from cfnlint.config import ManualArgs

from stacks.config import prod
from stchat.errors import SettingsError
from stchat.ops import prices
from stchat.ops.cli.cost import report
from stchat.ops.cost import Load, bill
from stchat.ops.templates import Billed
from tests.support.templates import EXPLAINED, SNAPSHOTS, Templates, normalised, one, properties, synthesize

Of = Callable[[str], Templates]


@pytest.fixture(scope="module")
def service() -> Templates:
    """Of prod, with all packs."""
    return synthesize(replace(prod(), fargate_image="st-chat:1", fargate_tasks=3))


def test_one_more_stack_and_no_resource_changes_in_the_others(templates: Of, service: Templates) -> None:
    before = templates("prod")
    assert set(service) - set(before) == {"Service"}
    for stack, template in before.items():
        assert service[stack]["Resources"] == template["Resources"], stack


def test_the_database_admits_it_and_it_logs_in_by_iam(service: Templates) -> None:
    """prod's database admits the application's security group alone: the tasks have it."""
    exported = json.dumps(service["Database"]["Outputs"])
    network = one(service["Service"], "AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    [group] = network["SecurityGroups"]
    assert "AccessApplication" in json.dumps(group)
    assert group["Fn::ImportValue"].partition(":")[2] in exported
    statements = [
        statement
        for policy in properties(service["Service"], "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert [one for one in statements if one["Action"] == "rds-db:connect"]
    wild = [one["Action"] for one in statements if "*" in json.dumps(one["Resource"])]
    assert wild == ["ecr:GetAuthorizationToken"]


def test_template_is_as_approved(request: pytest.FixtureRequest, service: Templates) -> None:
    """Its snapshot is what `make checkov` reads."""
    snapshot, now = SNAPSHOTS / "prod" / "Service.json", normalised(service["Service"])
    if request.config.getoption("--update-snapshots"):
        snapshot.write_text(now)
    assert now == snapshot.read_text(), "if this is meant: make snapshots"


def test_cfn_lint_finds_nothing(service: Templates) -> None:
    config = ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED)
    found = lint(json.dumps(service["Service"]), config=config)
    assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_cost_has_its_tasks_and_endpoints(service: Templates) -> None:
    billed = Billed.from_templates("prod", service.values())
    assert (billed.tasks.vcpus, billed.tasks.gb, billed.endpoint_zones) == (0.75, 1.5, 8)
    lines = {line.item: (line.idle, line.busy) for line in bill(billed, Load(), prices.load())}
    assert lines["Fargate, processors"] == (540, 540)
    assert lines["Fargate, memory"] == (1080, 1080)
    assert lines["VPC endpoints"] == (8 * 720, 8 * 720)
    text = report([billed], Load(), prices.load()).to_text()
    assert "Not in the sums: 1 x AWS::ECS::Cluster." in text  # Container Insights


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"fargate_image": "1.dkr.ecr.ap-northeast-1.amazonaws.com/st-chat:1"},
            "prod: fargate_image must be <repository>:<tag>, got 1.dkr.ecr.ap-northeast-1.amazonaws.com/st-chat:1: push"
            " the image to the ECR of this account and region, and name it like st-chat:1",
        ),
        (
            {"fargate_image": "st-chat"},
            "prod: fargate_image must be <repository>:<tag>, got st-chat: push the image to the ECR of this account and"
            " region, and name it like st-chat:1",
        ),
        (
            {"fargate_tasks": 0},
            "prod: fargate_tasks must be at least 1, got 0: set fargate_image=None for no service",
        ),
    ],
)
def test_what_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        replace(prod(), **changed)
    assert str(raised.value) == text
