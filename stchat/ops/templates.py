"""What is billed of a stage, read from its CloudFormation templates: those are what its settings come to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stchat.errors import SettingsError

Template = dict[str, Any]

APP = Path("app.py")
SERVERLESS = "db.serverless"
_CHAT = "stchat.handlers.chat"


@dataclass(frozen=True, kw_only=True)
class Billed:
    """The resources of a stage that cost something, or lead to it."""

    stage: str
    instances: tuple[str, ...]
    """The class of each: `db.serverless`, `db.r8g.large`, ..."""
    min_acu: float
    max_acu: float
    pause_seconds: int | None
    """None: the cluster never pauses."""
    backup_days: int
    zones: int
    secrets: int
    rotated_every_days: float | None
    alarms: int
    dashboards: int
    keys: int
    nat_gateways: int
    endpoint_zones: int
    """Interface endpoints, each counted once for every zone that it is in."""
    proxies: int
    flow_logs: bool
    database_logs: bool
    """PostgreSQL's log goes to CloudWatch."""
    chat_mb: int | None
    """Memory of the function that answers chat requests; None: there is none."""
    traced: bool

    @property
    def serverless(self) -> int:
        return self.instances.count(SERVERLESS)

    @property
    def may_pause(self) -> bool:
        return self.pause_seconds is not None and self.serverless == len(self.instances)

    @classmethod
    def from_templates(cls, stage: str, templates: Iterable[Template]) -> Billed:
        resources = [resource for template in templates for resource in template["Resources"].values()]

        def all_of(kind: str) -> list[dict[str, Any]]:
            return [resource.get("Properties", {}) for resource in resources if resource["Type"] == kind]

        clusters = all_of("AWS::RDS::DBCluster")
        if len(clusters) != 1:
            raise SettingsError(f"stage {stage} must have one cluster in its templates, got {len(clusters)}")
        [cluster] = clusters
        scaling = cluster.get("ServerlessV2ScalingConfiguration", {})
        chat = [one for one in all_of("AWS::Lambda::Function") if str(one.get("Handler")).startswith(_CHAT)]
        return cls(
            stage=stage,
            instances=tuple(instance["DBInstanceClass"] for instance in all_of("AWS::RDS::DBInstance")),
            min_acu=scaling.get("MinCapacity", 0),
            max_acu=scaling.get("MaxCapacity", 0),
            pause_seconds=scaling.get("SecondsUntilAutoPause"),
            backup_days=cluster.get("BackupRetentionPeriod", 1),
            zones=len({subnet["AvailabilityZone"] for subnet in all_of("AWS::EC2::Subnet")}),
            secrets=len(all_of("AWS::SecretsManager::Secret")),
            rotated_every_days=_days(all_of("AWS::SecretsManager::RotationSchedule")),
            alarms=len(all_of("AWS::CloudWatch::Alarm")),
            dashboards=len(all_of("AWS::CloudWatch::Dashboard")),
            keys=len(all_of("AWS::KMS::Key")),
            nat_gateways=len(all_of("AWS::EC2::NatGateway")),
            endpoint_zones=sum(
                len(endpoint.get("SubnetIds", []))
                for endpoint in all_of("AWS::EC2::VPCEndpoint")
                if endpoint.get("VpcEndpointType") == "Interface"
            ),
            proxies=len(all_of("AWS::RDS::DBProxy")),
            flow_logs=bool(all_of("AWS::EC2::FlowLog")),
            database_logs=bool(cluster.get("EnableCloudwatchLogsExports")),
            chat_mb=chat[0].get("MemorySize", 128) if chat else None,
            traced=any(one.get("TracingConfig", {}).get("Mode") == "Active" for one in chat),
        )


def _days(schedules: list[dict[str, Any]]) -> float | None:
    """From `rate(30 days)` or AutomaticallyAfterDays."""
    if not schedules:
        return None
    rules = schedules[0]["RotationRules"]
    if "AutomaticallyAfterDays" in rules:
        return float(rules["AutomaticallyAfterDays"])
    return float(rules["ScheduleExpression"].removeprefix("rate(").split()[0])


def read(stage: str, directory: Path) -> Billed:
    """From the templates of `directory`, as `cdk synth` leaves them in cdk.out."""
    found = [json.loads(file.read_text()) for file in sorted(directory.glob("*.json"))]
    templates = [one for one in found if isinstance(one, dict) and isinstance(one.get("Resources"), dict)]
    if not templates:
        raise SettingsError(f"{directory} has no templates: make them with `make synth STAGE={stage}`")
    return Billed.from_templates(stage, templates)


def synthesize(stages: Iterable[str]) -> list[Billed]:
    """From what the settings are now: the CDK app runs once a stage, as for `cdk synth`."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_synthesize, stages))


def _synthesize(stage: str) -> Billed:
    context: Mapping[str, Any] = json.loads(Path("cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [sys.executable, str(APP)],
            env={**os.environ, "CDK_OUTDIR": directory, "CDK_CONTEXT_JSON": json.dumps({**context, "stage": stage})},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SettingsError(f"stage {stage} cannot be synthesized: {done.stderr.strip()}")
        return read(stage, Path(directory))
