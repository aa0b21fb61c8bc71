"""The rules that every stack is held to at synth, and how a finding is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aws_cdk import Acknowledgment, App, CfnElement, Stack, Validations
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NagPack,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)
from constructs import IConstruct

from constructs_lib.auto_pause_check import AutoPauseCheck

ZONES_ARE_SETTINGS = "the zones are settings: the writer, the readers and the subnets must lie in known, different ones"

COMPLIANCE_PACKS: Mapping[str, Callable[[App], NagPack]] = {
    "Serverless": ServerlessChecks,
    "NIST.800.53.R5": NIST80053R5Checks,
    "HIPAA.Security": HIPAASecurityChecks,
    "PCI.DSS.321": PCIDSS321Checks,
}
# A context in which nothing is acknowledged: to list what would be found (docs/findings.py).
UNANSWERED = "stchat:unanswered"

MANAGED_LOGGING_POLICY = (
    "AwsSolutions::AwsSolutions-IAM4"
    "[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]"
)


def add_policy_checks(app: App, *, acknowledged: Mapping[str, str] | None = None) -> None:
    """Hold the app to cdk-nag's AwsSolutions rules, and to letting the cluster sleep; an open finding fails synth.

    With `acknowledged` to the compliance packs too: it answers their findings, in all of them, by the rule's bare name.
    """
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), AutoPauseCheck())
    if acknowledged is not None:
        Validations.of(app).add_plugins(*(pack(app) for pack in COMPLIANCE_PACKS.values()))
        for name in COMPLIANCE_PACKS:
            acknowledge(app, {f"{name}::{name}-{rule}": reason for rule, reason in acknowledged.items()})


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on `construct` and below: rule id to the reason a reviewer would accept."""
    if not construct.node.try_get_context(UNANSWERED):
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
