"""The policy checks that run at synth: cdk-nag's packs and the auto-pause check."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aws_cdk import App, Validations
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NagPack,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from constructs_lib.acknowledgments import acknowledge
from constructs_lib.auto_pause_check import AutoPauseCheck

COMPLIANCE_PACKS: Mapping[str, Callable[[App], NagPack]] = {
    "Serverless": ServerlessChecks,
    "NIST.800.53.R5": NIST80053R5Checks,
    "HIPAA.Security": HIPAASecurityChecks,
    "PCI.DSS.321": PCIDSS321Checks,
}


def add_policy_checks(app: App, *, acknowledged: Mapping[str, str] | None = None) -> None:
    """Run cdk-nag's AwsSolutions rules and the auto-pause check at synth; an open finding fails it.

    With `acknowledged` to the compliance packs too: it answers their findings, in all of them, by the rule's bare name.
    """
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), AutoPauseCheck())
    if acknowledged is not None:
        Validations.of(app).add_plugins(*(pack(app) for pack in COMPLIANCE_PACKS.values()))
        for name in COMPLIANCE_PACKS:
            acknowledge(app, {f"{name}::{name}-{rule}": reason for rule, reason in acknowledged.items()})
