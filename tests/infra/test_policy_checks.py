"""What the policy checks find in the templates, and that they would find it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from cfnlint import lint
from cfnlint.config import ManualArgs

from constructs_lib.policy_checks import add_policy_checks
from stacks.config import STAGES, dev
from tests.support.templates import EXPLAINED, stacks

DEV = dev()

Of = Callable[[str], dict[str, dict[str, Any]]]


@pytest.mark.parametrize(
    ("stage", "stack"),
    [(settings.stage, stack) for settings in (make() for make in STAGES.values()) for stack in stacks(settings)],
)
def test_cfn_lint_finds_nothing(templates: Of, stage: str, stack: str) -> None:
    config = ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED)
    found = lint(json.dumps(templates(stage)[stack]), config=config)
    assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_cfn_lint_would_find_a_retired_engine(templates: Of) -> None:
    template = json.loads(json.dumps(templates("dev")["Database"]).replace("16.13", "16.4"))
    found = lint(json.dumps(template), config=ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED))
    assert {match.rule.id for match in found} == {"W3690"}


def test_an_unacknowledged_finding_fails_synth() -> None:
    app = App()
    ec2.Vpc(Stack(app, "Stack"), "Vpc", nat_gateways=0)
    add_policy_checks(app, acknowledged={"VPCDefaultSecurityGroupClosed": "not what is tested"})
    with pytest.raises(RuntimeError) as error:
        app.synth()
    for found in ("AwsSolutions-VPC7", "NIST.800.53.R5-VPCFlowLogsEnabled", "HIPAA.Security-VPCFlowLogsEnabled"):
        assert f"{found}'" in str(error.value)
    assert "VPCDefaultSecurityGroupClosed" not in str(error.value)
