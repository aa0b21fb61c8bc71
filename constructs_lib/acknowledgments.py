"""How a finding of the policy checks is acknowledged, beside the construct that it is about."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct

# A context in which nothing is acknowledged: to list what would be found (docs/findings.py).
UNACKNOWLEDGED = "stchat:unacknowledged"

ZONES_ARE_SETTINGS = "the zones are settings: the writer, the readers and the subnets must lie in known, different ones"
MANAGED_LOGGING_POLICY = (
    "AwsSolutions::AwsSolutions-IAM4"
    "[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]"
)


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on `construct` and below: rule id to the reason that a reviewer would accept."""
    if not construct.node.try_get_context(UNACKNOWLEDGED):
        acknowledged = (Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items())
        Validations.of(construct).acknowledge(*acknowledged)


def wildcard(resource: str) -> str:
    """The id of cdk-nag's finding that a policy has `resource`, which holds a wildcard."""
    return f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"


def wildcard_below(construct: IConstruct) -> str:
    """The id of cdk-nag's finding that a policy has `<construct's ARN>:*`."""
    element = construct.node.default_child
    assert isinstance(element, CfnElement)
    stack = Stack.of(construct)
    return wildcard(f"<{stack.resolve(stack.get_logical_id(element))}.Arn>:*")
