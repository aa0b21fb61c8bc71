"""The rules that every stack is held to at synth, and how a finding is answered."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, App, CfnElement, Stack, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from constructs_lib.must_sleep import MustSleep

ZONES_ARE_SETTINGS = "the zones are settings: the writer, the readers and the subnets must lie in known, different ones"

MANAGED_LOGGING_POLICY = (
    "AwsSolutions::AwsSolutions-IAM4"
    "[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]"
)


def guard(app: App) -> None:
    """Hold the app to cdk-nag's AwsSolutions rules, and to letting the cluster sleep; an open finding fails synth."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), MustSleep())


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on `construct` and below: rule id to the reason a reviewer would accept."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items()))


def wildcard(resource: str) -> str:
    """The id of cdk-nag's finding that a policy has `resource`, which holds a wildcard."""
    return f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"


def wildcard_below(construct: IConstruct) -> str:
    """The id of cdk-nag's finding that a policy has `<construct's ARN>:*`."""
    element = construct.node.default_child
    assert isinstance(element, CfnElement)
    stack = Stack.of(construct)
    return wildcard(f"<{stack.resolve(stack.get_logical_id(element))}.Arn>:*")
