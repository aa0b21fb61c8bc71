"""Writes docs/generated/findings.md: what cdk-nag's packs find in `prod`, and what is done about each finding.

`make findings` writes it anew; a test compares it with the stacks, so that nothing new is found without a reason.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NagPack

from app import build
from constructs_lib.acknowledgments import UNACKNOWLEDGED
from constructs_lib.policy_checks import COMPLIANCE_PACKS
from stacks.config import Settings, dev, prod

DEV = dev()
PROD = prod()

TABLE = Path("docs/generated/findings.md")
PACKS: Mapping[str, Callable[[App], NagPack]] = {"AwsSolutions": AwsSolutionsChecks, **COMPLIANCE_PACKS}
HEAD = """# cdk-nag findings in `prod`, and the reason for each

Written by `make findings`; a test compares it with the stacks. cdk-nag's AwsSolutions, Serverless, NIST
800-53 R5, HIPAA and PCI DSS 3.2.1 packs run whenever `prod` is synthesized, and a finding without a reason stops it.
The text of a rule is in the cdk-nag documentation, under the same name.

"""


@dataclass(frozen=True, order=True)
class Finding:
    """`rule` as it is acknowledged, less the pack's name; `resource` by its construct path."""

    rule: str
    resource: str
    pack: str

    @property
    def id(self) -> str:
        return f"{self.pack}::{self.pack}-{self.rule}"


def new_app(settings: Settings, **context: Any) -> App:
    app = App(context=json.loads(Path("cdk.json").read_text())["context"] | context)
    build(app, settings)
    return app


def findings(settings: Settings) -> list[Finding]:
    """Everything that the packs find, as if nothing were acknowledged."""
    app = new_app(settings, **{UNACKNOWLEDGED: True})
    return [
        Finding(str(violation.rule_name).removeprefix(f"{name}-"), str(resource.construct_path), name)
        for name, pack in PACKS.items()
        for violation in pack(app).validate_scope(app).violations
        for resource in violation.violating_resources
    ]


def acknowledged(app: App) -> dict[str, dict[str, str]]:
    """By construct path (the app's own is empty): rule id to reason."""
    key = Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    found: dict[str, dict[str, str]] = {}
    for construct in app.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == key:
                found.setdefault(construct.node.path, {}).update(cast("Mapping[str, str]", entry.data))
    return found


def answer(finding: Finding, reasons: Mapping[str, Mapping[str, str]]) -> str:
    """The reason, looked for at the resource and above it; empty: none."""
    parts = finding.resource.split("/")
    paths = ["/".join(parts[:length]) for length in range(len(parts), -1, -1)]
    return next((reasons[path][finding.id] for path in paths if finding.id in reasons.get(path, {})), "")


def write() -> str:
    """The document."""
    found, reasons = findings(PROD), acknowledged(new_app(PROD))
    fixed = {(f.rule, f.resource) for f in findings(DEV)} - {(f.rule, f.resource) for f in found}
    return HEAD + "\n".join([*_fixed(sorted(fixed)), "", *_answered(found, reasons)]) + "\n"


def _fixed(fixed: list[tuple[str, str]]) -> Iterator[str]:
    yield "## Found in `dev`, fixed in `prod` by its settings\n"
    yield "| rule | resources |"
    yield "| --- | --- |"
    by_rule = defaultdict(list)
    for rule, resource in fixed:
        by_rule[rule].append(_shown(resource))
    for rule, resources in by_rule.items():
        yield f"| {rule} | {', '.join(resources)} |"


def _answered(found: list[Finding], reasons: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    rows: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for finding in sorted(found):
        resources, packs = rows.setdefault((finding.rule, answer(finding, reasons) or "**open**"), ([], []))
        resources += [_shown(finding.resource)] if _shown(finding.resource) not in resources else []
        packs += [finding.pack] if finding.pack not in packs else []
    counts = {name: sum(finding.pack == name for finding in found) for name in PACKS}
    yield "## Acknowledged in `prod`\n"
    yield "Findings: " + ", ".join(f"{name} {count}" for name, count in counts.items()) + ".\n"
    yield "| rule | packs | reason | resources |"
    yield "| --- | --- | --- | --- |"
    for (rule, reason), (resources, packs) in rows.items():
        yield f"| {rule.replace('|', ' ')} | {', '.join(packs)} | {reason} | {', '.join(resources)} |"


def _shown(path: str) -> str:
    return path.removesuffix("/Resource")


if __name__ == "__main__":
    TABLE.write_text(write())
