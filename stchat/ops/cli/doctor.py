"""`stchat doctor`: a running cluster, what is wrong with it, and what keeps it awake.

Reads AWS's control plane, which does not wake a cluster. The open connections are asked of the database itself, when it
is known to be awake, or with --wake; that restarts the time it waits for before it pauses.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stchat.errors import SettingsError
from stchat.ops import support
from stchat.ops.checks import Finding, examine
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer, table
from stchat.ops.cluster_reader import ACTIONS, ACTIONS_OF_SESSIONS, read
from stchat.ops.cluster_state import Facts

SYNTHESIZED = Path("cdk.out")
_REPORT = "validation-report.json"
_EPILOG = "\n  ".join(
    (
        "exits with 1 when there is a problem\n\nIAM actions that it needs (what may not be read is told):",
        *ACTIONS,
        "and on STCHAT_CLUSTER_ARN and STCHAT_SECRET_ARN, for the open connections:",
        *ACTIONS_OF_SESSIONS,
    )
)


def run(arguments: argparse.Namespace) -> Answer:
    api = connect("postgres")
    now = datetime.now(UTC)
    facts = read(api.cluster_arn, api.secret_arn, api, wake=arguments.wake, now=now)
    findings = examine(facts, support.load(), now)
    acknowledged = acknowledgements(arguments.synthesized)
    return Answer(
        [],
        _text(facts, findings, acknowledged),
        code=1 if any(finding.problem for finding in findings) else 0,
        data={
            **asdict(facts),
            "findings": [asdict(finding) for finding in findings],
            "acknowledgements": acknowledged,
        },
    )


def acknowledgements(directory: Path) -> list[dict[str, str]] | None:
    """The findings of the guards that somebody has accepted, as the last synth in `directory` left them; None: none."""
    file = directory / _REPORT
    if not file.exists():
        return None
    try:
        reports = json.loads(file.read_text())["pluginReports"]
        found = dict.fromkeys(
            (one["ruleName"], one.get("acknowledgedAt") or "the app", one["reason"])
            for report in reports
            for one in report.get("suppressedViolations", [])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{file} must be the CDK's validation report, got {error!r}: make synth") from error
    return [{"rule": rule, "at": at, "reason": reason} for rule, at, reason in found]


def _text(facts: Facts, findings: Sequence[Finding], acknowledged: Sequence[dict[str, str]] | None) -> str:
    parts = [
        _cluster(facts),
        table([_instance(facts, number) for number in range(len(facts.instances))]),
        table([_secret(facts, number) for number in range(len(facts.secrets))]),
        *(_finding(finding) for finding in findings),
    ]
    if facts.unread:
        parts.append("\n".join(["not read:", *(f"  {one.what}: {one.why}" for one in facts.unread)]))
    parts.append(_acknowledged(acknowledged))
    problems = sum(finding.problem for finding in findings)
    parts.append("no problem found" if not problems else f"{problems} problem{'s' if problems > 1 else ''}")
    return "\n\n".join(parts)


def _cluster(f: Facts) -> str:
    capacity = "provisioned instances" if f.min_acu is None else f"{f.min_acu:g} to {f.max_acu:g} ACU"
    pauses = "" if f.pause_seconds is None else f", pauses after {f.pause_seconds} s"
    until = f" to {f.restorable_to:%Y-%m-%d %H:%M} UTC" if f.restorable_to else ""
    return (
        f"{f.identifier}: {f.engine} {f.engine_version}, {f.status}, {f.state}\n"
        f"{capacity}{pauses}; backups of {f.backup_days} days, restorable{until};"
        f" deletion protection {'on' if f.deletion_protection else 'off'}"
    )


def _instance(facts: Facts, number: int) -> dict[str, Any]:
    one = facts.instances[number]
    return {
        "instance": one.identifier,
        "role": f"{one.role}, tier {one.tier}",
        "class": one.kind,
        "zone": one.zone,
        "vpc": one.vpc,
        "subnet group": one.subnet_group,
        "security groups": " ".join(one.security_groups),
        "ca": one.ca,
        "engine": one.engine_version,
        "status": one.status,
    }


def _secret(facts: Facts, number: int) -> dict[str, Any]:
    one = facts.secrets[number]
    return {
        "secret": one.name,
        "rotation": one.every or "on" if one.rotates else "off",
        "last rotated": one.last,
        "due": one.due,
        "pending": "yes" if one.pending else "no",
    }


def _finding(finding: Finding) -> str:
    kind = "problem" if finding.problem else "note"
    return f"{kind}: {finding.what}\n  why: {finding.why}\n  hint: {finding.hint}"


def _acknowledged(found: Sequence[dict[str, str]] | None) -> str:
    if found is None:
        return "acknowledged findings of the guards: not read; `make synth` makes their report, --synthesized names it"
    by_reason: dict[str, list[str]] = {}
    for one in found:
        by_reason.setdefault(one["reason"], []).append(f"{one['rule']} at {one['at']}")
    lines = [f"  {reason}\n    " + "\n    ".join(dict.fromkeys(where)) for reason, where in by_reason.items()]
    return "\n".join([f"acknowledged findings of the guards: {len(found)}", *lines])


def add_to(groups: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = groups.add_parser(
        "doctor",
        help="a running cluster: what is wrong, and what keeps it awake",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--wake", action="store_true", help="ask the database too, even if that wakes it")
    parser.add_argument(
        "--synthesized",
        type=Path,
        default=SYNTHESIZED,
        metavar="DIR",
        help="what `cdk synth` has written, for the acknowledged findings (cdk.out)",
    )
    parser.set_defaults(run=run)
