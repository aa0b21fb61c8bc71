"""What is billed of a stage, read from its CloudFormation templates, whatever CDK app made them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stchat.embedding_models import price_name
from stchat.errors import SettingsError
from stchat.ops import fargate_tasks, files

Template = dict[str, Any]

APP, CDK_JSON = Path("app.py"), Path("cdk.json")
SERVERLESS = "db.serverless"
AUTO_PAUSE_SECONDS = 300  # of Aurora, where the template does not name an interval
CRON_DAYS = 30.0
_CHAT, MODEL = "stchat.handlers.chat", "STCHAT_EMBEDDING_MODEL"
# What an app beside the chat may have, and `stchat cost` knows no load or price for.
_NOT_ESTIMATED = (
    "AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api", "AWS::CloudFront::Distribution", "AWS::DynamoDB::Table",
    "AWS::EC2::Instance", "AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::Kinesis::Stream", "AWS::OpenSearchServerless::Collection", "AWS::S3::Bucket", "AWS::SQS::Queue",
)  # fmt: skip


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
    database_logs: bool  # PostgreSQL's log goes to CloudWatch
    chat_mb: int | None
    """Memory of the function that answers chat requests; None: there is none."""
    traced: bool
    embedding_price: str = "embedding_token"  # of a token, by its name in the price list
    tasks: fargate_tasks.Tasks = field(default_factory=fargate_tasks.Tasks)
    """On Fargate. Of its cluster not estimated: the metrics of Container Insights."""
    not_estimated: Mapping[str, int] = field(default_factory=dict)
    """Resources that cost something and have no line in the bill: how many, by type."""

    @property
    def readers(self) -> int:
        """All instances but the writer."""
        return max(0, len(self.instances) - 1)

    @property
    def serverless(self) -> int:
        return self.instances.count(SERVERLESS)

    @property
    def may_pause(self) -> bool:
        return self.pause_seconds is not None and self.serverless == len(self.instances)

    @classmethod
    def from_templates(cls, stage: str, templates: Iterable[Template]) -> Billed:
        templates = list(templates)
        resources = [resource for template in templates for resource in template["Resources"].values()]

        def all_of(kind: str) -> list[dict[str, Any]]:
            return [resource.get("Properties", {}) for resource in resources if resource["Type"] == kind]

        clusters = all_of("AWS::RDS::DBCluster")
        if len(clusters) != 1:
            raise SettingsError(
                f"stage {stage} must have one Aurora cluster in its templates, got {len(clusters)}: cost estimates the"
                " stacks of one cluster; put their templates into a folder, and name it with --templates"
            )
        [cluster] = clusters
        scaling = cluster.get("ServerlessV2ScalingConfiguration", {})
        min_acu = _literal(stage, "MinCapacity", scaling.get("MinCapacity", 0), (int, float))
        tasks = fargate_tasks.of(templates)
        types = Counter(resource["Type"] for resource in resources)
        types["AWS::ECS::Service"] -= tasks.services
        chat = [one for one in all_of("AWS::Lambda::Function") if str(one.get("Handler")).startswith(_CHAT)]
        variables = chat[0].get("Environment", {}).get("Variables", {}) if chat else {}
        return cls(
            stage=stage,
            instances=tuple(
                _literal(stage, "DBInstanceClass", instance["DBInstanceClass"], str)
                for instance in all_of("AWS::RDS::DBInstance")
            ),
            min_acu=min_acu,
            max_acu=_literal(stage, "MaxCapacity", scaling.get("MaxCapacity", 0), (int, float)),
            pause_seconds=scaling.get(
                "SecondsUntilAutoPause", AUTO_PAUSE_SECONDS if scaling and min_acu == 0 else None
            ),
            backup_days=_literal(stage, "BackupRetentionPeriod", cluster.get("BackupRetentionPeriod", 1), int),
            zones=len({json.dumps(subnet.get("AvailabilityZone")) for subnet in all_of("AWS::EC2::Subnet")}),
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
            embedding_price=price_name(variables.get(MODEL)),
            tasks=tasks,
            not_estimated={kind: types[kind] for kind in _NOT_ESTIMATED if types[kind]},
        )


def _literal(stage: str, name: str, value: Any, kinds: type | tuple[type, ...]) -> Any:
    """A template may have a parameter or a function of CloudFormation instead of a value."""
    if isinstance(value, kinds):
        return value
    raise SettingsError(
        f"stage {stage} must have a value for {name} in its template, got {json.dumps(value)}: cost reads no parameters"
        " of CloudFormation"
    )


def _days(schedules: list[dict[str, Any]]) -> float | None:
    """From `rate(30 days)` or AutomaticallyAfterDays; a cron expression counts as once in 30 days."""
    if not schedules:
        return None
    rules = schedules[0].get("RotationRules", {})
    if "AutomaticallyAfterDays" in rules:
        return float(rules["AutomaticallyAfterDays"])
    rate = re.fullmatch(r"rate\((\d+) (hour|day)s?\)", str(rules.get("ScheduleExpression")))
    if rate is None:
        return CRON_DAYS
    return int(rate[1]) / (24 if rate[2] == "hour" else 1)


def load(directory: Path) -> list[Template]:
    """The templates in `directory`, as `cdk synth` leaves them in cdk.out."""
    found = [files.read_json(file, "run `cdk synth` again") for file in sorted(directory.glob("*.json"))]
    templates = [one for one in found if isinstance(one, dict) and isinstance(one.get("Resources"), dict)]
    if not templates:
        raise SettingsError(f"{directory} has no templates: make them with `cdk synth --output {directory}`")
    return templates


def read(stage: str, directory: Path) -> Billed:
    return Billed.from_templates(stage, load(directory))


def synthesize(stages: Iterable[str]) -> list[Billed]:
    """From the current settings: the CDK app runs once per stage, as for `cdk synth`."""

    def billed(stage: str) -> Billed:
        return Billed.from_templates(stage, synthesized(stage))

    with ThreadPoolExecutor() as pool:
        return list(pool.map(billed, stages))


def synthesized(stage: str) -> list[Template]:
    """What the app in this folder makes of a stage's settings.

    Raises:
        SettingsError: it cannot be synthesized; the text has the app's own reason.
    """
    if not CDK_JSON.exists():
        raise SettingsError(
            f"there is no cdk.json in {Path.cwd()}: run this where the CDK app is, or name the templates of `cdk synth`"
            " with --templates cdk.out"
        )
    settings: Mapping[str, Any] = files.read_json(CDK_JSON, "correct it")
    context = settings.get("context", {})
    command = shlex.split(settings.get("app", f"python3 {APP}"))
    if command[0] in ("python", "python3"):
        command[0] = sys.executable
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            command,
            env={**os.environ, "CDK_OUTDIR": directory, "CDK_CONTEXT_JSON": json.dumps({**context, "stage": stage})},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SettingsError(f"stage {stage} cannot be synthesized: {_reason(done.stderr)}")
        return load(Path(directory))


def _reason(errors: str) -> str:
    """Of a traceback the last line, with a hint where a package is missing."""
    text = errors.strip()
    if "Traceback (most recent call last)" in text:
        text = text.splitlines()[-1]
    return f'{text}: pip install "stchat[cdk]"' if "No module named 'aws_cdk'" in text else text
