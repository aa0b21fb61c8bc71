"""`stchat doctor`: a cluster, what is wrong with it, and what blocks its auto-pause.

Reads AWS's control plane, which does not resume a paused cluster. Connections, extensions and settings of
roles are read from the databases when the cluster is known to run, or with --wake; that restarts the
time until it pauses.
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
from stchat.ops.checks import run_checks
from stchat.ops.cli.connection import connect
from stchat.ops.cli.output import Answer, moment, table, wrapped
from stchat.ops.cluster_reader import ACTIONS, ACTIONS_OF_DATABASES, read
from stchat.ops.cluster_state import ClusterState
from stchat.ops.database_checks import Finding

SYNTHESIZED = Path("cdk.out")
_REPORT = "validation-report.json"
_EPILOG = "\n  ".join(
    (
        "exits with 1 when there is a problem\n\nIAM actions that it needs (what cannot be read is listed):",
        *ACTIONS,
        "and on STCHAT_CLUSTER_ARN and STCHAT_SECRET_ARN, for the databases:",
        *ACTIONS_OF_DATABASES,
    )
)


def run(arguments: argparse.Namespace) -> Answer:
    api = connect()
    now = datetime.now(UTC)
    state = read(api.cluster_arn, api.secret_arn, api, wake=arguments.wake, now=now)
    findings = run_checks(state, support.load(), now)
    acknowledged = acknowledgements(arguments.synthesized)
    return Answer(
        [],
        report(state, findings, acknowledged, wide=arguments.wide),
        code=1 if any(finding.problem for finding in findings) else 0,
        data={
            **asdict(state),
            "findings": [asdict(finding) for finding in findings],
            "acknowledgements": acknowledged,
        },
    )


def acknowledgements(directory: Path) -> list[dict[str, str]] | None:
    """The acknowledged findings of the policy checks by the last synth into `directory`; None: there was none."""
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
        raise SettingsError(f"{file} must be the CDK's validation report, got {error!r}: run make synth") from error
    return [{"rule": rule, "at": at, "reason": reason} for rule, at, reason in found]


def report(
    state: ClusterState, findings: Sequence[Finding], acknowledged: Sequence[dict[str, str]] | None, *, wide: bool
) -> str:
    """What needs a change first; in 80 columns, unless `wide`."""
    problems = sum(finding.problem for finding in findings)
    verdict = f"{problems} problem{'s' if problems != 1 else ''}" if problems else "no problem found"
    parts = [
        f"{state.identifier}: {verdict}",
        *(_finding(finding) for finding in sorted(findings, key=lambda finding: not finding.problem)),
        _cluster(state),
        table([_instance(state, number, wide=wide) for number in range(len(state.instances))]),
        table([_secret(state, number, wide=wide) for number in range(len(state.secrets))]),
    ]
    if state.read_failures:
        failures = (wrapped(f"{one.what}: {one.why}", "    ", "  ") for one in state.read_failures)
        parts.append("\n".join(["not read:", *failures]))
    parts.append(_acknowledged(acknowledged, wide=wide))
    return "\n\n".join(parts)


def _cluster(one: ClusterState) -> str:
    capacity = "provisioned instances" if one.min_acu is None else f"{one.min_acu:g} to {one.max_acu:g} ACU"
    pauses = "" if one.pause_seconds is None else f", pauses after {one.pause_seconds} s"
    until = f", restorable to {moment(one.restorable_to)}" if one.restorable_to else ""
    return "\n".join(
        (
            f"{one.engine} {one.engine_version}, {one.status}, {one.state}",
            f"{capacity}{pauses}; deletion protection {'on' if one.deletion_protection else 'off'}",
            f"backups of {one.backup_days} days{until}",
        )
    )


def _instance(state: ClusterState, number: int, *, wide: bool) -> dict[str, Any]:
    one = state.instances[number]
    row = {"instance": one.identifier, "role": one.role, "tier": one.tier, "class": one.kind, "status": one.status}
    if not wide:
        return row
    return row | {
        "zone": one.zone,
        "engine": one.engine_version,
        "ca": one.ca,
        "vpc": one.vpc,
        "subnet group": one.subnet_group,
        "security groups": " ".join(one.security_groups),
    }


def _secret(state: ClusterState, number: int, *, wide: bool) -> dict[str, Any]:
    one = state.secrets[number]
    row = {"secret": one.name, "rotation": one.every or "on" if one.rotates else "off", "due": one.due}
    return row | {"last rotated": one.last, "pending": "yes" if one.pending else "no"} if wide else row


def _finding(finding: Finding) -> str:
    kind = "problem" if finding.problem else "note"
    why, hint = wrapped(finding.why, "    ", "  why: "), wrapped(finding.hint, "    ", "  hint: ")
    return "\n".join([wrapped(finding.what, "  ", f"{kind}: "), why, hint])


def _acknowledged(found: Sequence[dict[str, str]] | None, *, wide: bool) -> str:
    what = "acknowledged findings of the policy checks"
    if found is None:
        return wrapped(f"{what}: not read; make synth writes their report, --synthesized names its folder", "  ", "")
    if not wide:
        return f"{what}: {len(found)} (--wide lists them)"
    by_reason: dict[str, list[str]] = {}
    for one in found:
        by_reason.setdefault(one["reason"], []).append(f"{one['rule']} at {one['at']}")
    lines = [f"  {reason}\n    " + "\n    ".join(dict.fromkeys(where)) for reason, where in by_reason.items()]
    return "\n".join([f"{what}: {len(found)}", *lines])


def add_to(groups: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = groups.add_parser(
        "doctor",
        help="a cluster: what is wrong, and what blocks auto-pause",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--wake", action="store_true", help="read the databases too, even if that resumes the cluster")
    parser.add_argument("--wide", action="store_true", help="all that is known of instances, secrets and findings")
    parser.add_argument(
        "--synthesized",
        type=Path,
        default=SYNTHESIZED,
        metavar="DIR",
        help="what `cdk synth` has written, for the acknowledged findings (cdk.out)",
    )
    parser.set_defaults(run=run)
