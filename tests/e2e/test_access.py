"""The roles of GitHub's workflows, simulated: a stage's role changes its own stacks alone. What that leaves open is in
docs/operations.md: the simulation knows neither conditions nor what CloudFormation does in the role's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.local_aws_cli import LocalAwsCli

APP = "python3 -m pipeline.access"
CHANGES = ("CreateChangeSet", "ExecuteChangeSet", "DeleteStack", "UpdateTerminationProtection")


@pytest.fixture(scope="module")
def roles(local_aws: LocalAwsCli, checkout: Path) -> Iterator[dict[str, str]]:
    """ARNs by the names of the stack's outputs; the stack is deleted again, for the tests that list stacks."""
    context = ("-c", "repository=owner/name", "-c", "provider=existing")
    deployed = local_aws.cdk(
        checkout, "deploy", "--app", APP, *context, "--require-approval", "never", out="cdk.out.access"
    )
    assert deployed.status == 0, deployed.output
    [stack] = local_aws.client("cloudformation").describe_stacks(StackName="st-chat-pipeline")["Stacks"]
    yield {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    local_aws.client("cloudformation").delete_stack(StackName="st-chat-pipeline")
    local_aws.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName="st-chat-pipeline")


def allowed(local_aws: LocalAwsCli, role: str, action: str, resource: str) -> bool:
    answer = local_aws.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
    )
    return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")


def stack_arn(role: str, stage: str) -> str:
    found = re.match(r"arn:aws:iam::(\d{12}):", role)
    assert found
    return f"arn:aws:cloudformation:ap-northeast-1:{found[1]}:stack/st-chat-{stage}-database/0"


@pytest.mark.parametrize(("stage", "other"), [("dev", "prod"), ("prod", "dev")])
def test_a_stages_role_changes_its_own_stacks_alone(
    local_aws: LocalAwsCli, roles: dict[str, str], stage: str, other: str
) -> None:
    role = roles[f"Deploy{stage.capitalize()}RoleArn"]
    for action in CHANGES:
        assert allowed(local_aws, role, f"cloudformation:{action}", stack_arn(role, stage))
        assert not allowed(local_aws, role, f"cloudformation:{action}", stack_arn(role, other))


def test_no_role_becomes_one_that_changes_every_stack(local_aws: LocalAwsCli, roles: dict[str, str]) -> None:
    for role in roles.values():
        account = role.split(":")[4]
        for name in ("deploy", "cfn-exec"):
            arn = f"arn:aws:iam::{account}:role/cdk-hnb659fds-{name}-role-{account}-ap-northeast-1"
            assert not allowed(local_aws, role, "sts:AssumeRole", arn)


def test_the_role_of_pull_requests_changes_nothing(local_aws: LocalAwsCli, roles: dict[str, str]) -> None:
    role = roles["DiffRoleArn"]
    assert allowed(local_aws, role, "cloudformation:GetTemplate", stack_arn(role, "prod"))
    for action in CHANGES:
        assert not allowed(local_aws, role, f"cloudformation:{action}", stack_arn(role, "dev"))
