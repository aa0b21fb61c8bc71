"""A check at synth: nothing that the app deploys may block the auto-pause of a cluster that is to pause at 0 ACU.

It reads the templates of all stacks, not the settings, so that it finds what a later change adds, in any stack. What
no template shows it cannot see: a program that holds a connection, or asks the database something every few minutes
(an EventBridge schedule, a canary, a dashboard's query). `stchat doctor` looks at the running cluster.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

from constructs_lib.template_references import Templates

Properties = Mapping[str, Any]
CLUSTER = "AWS::RDS::DBCluster"
INTERVAL = range(300, 86_401)
HINT = "remove it, or turn auto-pause off with min_acu=0.5 and auto_pause_after=None"
ON = ("1", "on", "true")


@dataclass(frozen=True)
class Blocker:
    """A type of resource that blocks auto-pause: which property names the cluster, and why."""

    names_cluster: str
    why: str
    applies: Callable[[Properties], bool] = lambda _: True


BLOCKERS = {
    "AWS::RDS::DBProxyTargetGroup": Blocker("DBClusterIdentifiers", "an RDS Proxy keeps connections open"),
    "AWS::RDS::GlobalCluster": Blocker("SourceDBClusterIdentifier", "a global database replicates all the time"),
    "AWS::RDS::Integration": Blocker("SourceArn", "a zero-ETL integration replicates all the time"),
    "AWS::RDS::DBInstance": Blocker(
        "DBClusterIdentifier",
        "one provisioned instance blocks the auto-pause of the whole cluster",
        lambda instance: instance.get("DBInstanceClass") != "db.serverless",
    ),
}


@jsii.implements(IPolicyValidationPlugin)
class AutoPauseCheck:
    """The validation plugin."""

    @property
    def name(self) -> str:
        return "AutoPauseCheck"

    @property
    def version(self) -> str | None:
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        return None

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        paths = context.template_paths
        violations = [
            PolicyViolation(
                rule_name="blocks-auto-pause",
                description=description,
                violating_resources=[
                    PolicyViolatingResource(
                        resource_logical_id=id, template_path=paths[number], locations=["Properties"]
                    )
                ],
            )
            for (number, id), description in blocks_auto_pause([json.loads(Path(path).read_text()) for path in paths])
        ]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def blocks_auto_pause(templates: list[dict[str, Any]]) -> Iterator[tuple[tuple[int, str], str]]:
    """Template number and logical id of each resource that blocks a cluster's auto-pause, with the reason."""
    app = Templates(templates)
    clusters = {location: found for location, found in app.of_type(CLUSTER) if _is_to_pause(found)}
    for location, cluster in clusters.items():
        name = cluster.get("DBClusterIdentifier", location[1])
        for why in _of_cluster(app, location, cluster):
            yield location, f"{name} is to pause at 0 ACU, but {why}: {HINT}"
        for kind, blocker in BLOCKERS.items():
            for blocking, found in app.of_type(kind):
                named = found.get(blocker.names_cluster)
                if blocker.applies(found) and app.refers(blocking, named, location, cluster.get("DBClusterIdentifier")):
                    yield blocking, f"{name} is to pause at 0 ACU, but {blocker.why}: {HINT}"


def _is_to_pause(cluster: Properties) -> bool:
    return bool(cluster.get("ServerlessV2ScalingConfiguration", {}).get("MinCapacity") == 0)


def _of_cluster(app: Templates, location: tuple[int, str], cluster: Properties) -> Iterator[str]:
    """What a cluster's own properties say."""
    interval = cluster["ServerlessV2ScalingConfiguration"].get("SecondsUntilAutoPause", INTERVAL.start)
    if str(interval).isdigit() and int(interval) not in INTERVAL:  # a parameter's value is not known yet
        yield f"SecondsUntilAutoPause must be {INTERVAL.start} to {INTERVAL.stop - 1}, got {interval}"
    if cluster.get("GlobalClusterIdentifier"):
        yield "a global database replicates all the time"
    for group, found in app.of_type("AWS::RDS::DBClusterParameterGroup"):
        value = str(found.get("Parameters", {}).get("rds.logical_replication", "0"))
        named = cluster.get("DBClusterParameterGroupName")
        if re.fullmatch("|".join(ON), value.lower()) and app.refers(
            location, named, group, found.get("DBClusterParameterGroupName")
        ):
            yield f"rds.logical_replication={value} in its parameter group {group[1]} keeps connections open"
