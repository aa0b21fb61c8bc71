"""Reads a running cluster through AWS's control plane, which does not wake it; its sessions only when it is awake."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api import DataApi
from stchat.errors import DataApiError, SettingsError
from stchat.ops.aws_responses import CAPACITY, CLUSTER, Answer, instance, present, said, secret
from stchat.ops.cluster_state import ASLEEP, AWAKE, SERVERLESS, UNKNOWN, Facts, Instance, Secret, Session, Unread

log = logging.getLogger(__name__)

# What it calls, as IAM names it. The first group names no resource (`*`) or those of the cluster.
ACTIONS = (
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeDBProxies",
    "rds:DescribeDBProxyTargets",
    "rds:DescribeDBClusterParameters",
    "rds:DescribeDBEngineVersions",
    "rds:DescribeGlobalClusters",
    "rds:DescribeIntegrations",
    "cloudwatch:GetMetricStatistics",
    "cloudformation:GetTemplate",
    "secretsmanager:DescribeSecret",
)
ACTIONS_OF_SESSIONS = ("rds-data:ExecuteStatement", "secretsmanager:GetSecretValue")

_SESSIONS = """
SELECT s.usename AS user, s.datname AS database, s.application_name AS application,
       coalesce(s.client_addr::text, 'local') AS client, s.backend_start AS since
FROM pg_stat_activity AS s
JOIN pg_stat_activity AS own ON own.pid = pg_backend_pid()
WHERE s.backend_type = 'client backend' AND s.usename <> 'rdsadmin'
  AND (s.application_name, s.client_addr) IS DISTINCT FROM (own.application_name, own.client_addr)
ORDER BY s.backend_start"""


def read(arn: str, secret_arn: str, api: DataApi, *, wake: bool, now: datetime) -> Facts:
    """Raises SettingsError when there is no such cluster, or it may not be read at all."""
    return _Reading(arn, secret_arn).facts(api, wake=wake, now=now)


class _Reading:
    def __init__(self, arn: str, secret_arn: str) -> None:
        self.arn = arn
        self.identifier = arn.rpartition(":")[2]
        self.secret_arn = secret_arn
        self.unread: list[Unread] = []
        new: Callable[..., Any] = boto3.client
        self.rds = new("rds")
        self.cloudformation, self.cloudwatch, self.secrets = (
            new(service) for service in ("cloudformation", "cloudwatch", "secretsmanager")
        )

    def facts(self, api: DataApi, *, wake: bool, now: datetime) -> Facts:
        try:
            [cluster] = self.rds.describe_db_clusters(DBClusterIdentifier=self.identifier)["DBClusters"]
        except (ClientError, BotoCoreError) as error:
            raise SettingsError(f"cannot read cluster {self.arn}: {error}") from error
        described = self._pages("rds:DescribeDBInstances", self.rds, "describe_db_instances", "DBInstances", Filters=[
            {"Name": "db-cluster-id", "Values": [self.identifier]}
        ])  # fmt: skip
        stack, resources = self._template([cluster, *described])
        templates = {id: resource.get("Properties", {}) for id, resource in resources.items()}
        own = [templates[id] for id, resource in resources.items() if resource["Type"] == "AWS::RDS::DBCluster"]
        template = own[0] if own else {}
        scaling = cluster.get("ServerlessV2ScalingConfiguration", {})
        instances = tuple(instance(each, cluster, templates) for each in described)
        facts = Facts(
            identifier=self.identifier,
            arn=self.arn,
            status=cluster["Status"],
            engine=cluster["Engine"],
            engine_version=cluster["EngineVersion"],
            engine_status=self._engine_status(cluster),
            min_acu=scaling.get("MinCapacity"),
            max_acu=scaling.get("MaxCapacity"),
            pause_seconds=scaling.get("SecondsUntilAutoPause"),
            backup_days=cluster["BackupRetentionPeriod"],
            restorable_to=cluster.get("LatestRestorableTime"),
            deletion_protection=cluster["DeletionProtection"],
            stack=stack,
            properties=present(cluster, CLUSTER) | {name: scaling[name] for name in CAPACITY if name in scaling},
            template=said(template, CLUSTER) | said(template.get("ServerlessV2ScalingConfiguration", {}), CAPACITY),
            instances=instances,
            proxies=self._proxies(),
            global_clusters=self._global_clusters(),
            integrations=self._integrations(),
            logical_replication=self._logical_replication(cluster),
            secrets=self._secrets(resources),
            state=self._state(instances, scaling.get("MinCapacity"), now),
            sessions=None,
            unread=(),
        )
        sessions = self._sessions(api, facts.state, wake=wake)
        state = AWAKE if sessions is not None else facts.state
        return replace(facts, sessions=sessions, state=state, unread=tuple(self.unread))

    def _template(self, described: list[Answer]) -> tuple[str | None, Mapping[str, Any]]:
        """The stack that made them, by the tag that CloudFormation puts on what it makes, and its resources."""
        tags = {tag["Key"]: tag["Value"] for each in described for tag in each.get("TagList", [])}
        stack = tags.get("aws:cloudformation:stack-name")
        if stack is None:
            self.unread.append(Unread("the template", "no stack has made this cluster: nothing to compare it with"))
            return None, {}
        answer = self._try("cloudformation:GetTemplate", lambda: self.cloudformation.get_template(StackName=stack))
        body = (answer or {}).get("TemplateBody", {})
        return stack, body["Resources"] if isinstance(body, dict) and "Resources" in body else {}

    def _engine_status(self, cluster: Answer) -> str | None:
        found = self._pages(
            "rds:DescribeDBEngineVersions", self.rds, "describe_db_engine_versions", "DBEngineVersions",
            Engine=cluster["Engine"], EngineVersion=cluster["EngineVersion"], IncludeAll=True,
        )  # fmt: skip
        return found[0].get("Status") if found else None

    def _proxies(self) -> tuple[str, ...]:
        names = [proxy["DBProxyName"] for proxy in self._pages(
            "rds:DescribeDBProxies", self.rds, "describe_db_proxies", "DBProxies"
        )]  # fmt: skip
        return tuple(name for name in names if self._is_target_of(name))

    def _is_target_of(self, proxy: str) -> bool:
        targets = self._pages(
            "rds:DescribeDBProxyTargets", self.rds, "describe_db_proxy_targets", "Targets", DBProxyName=proxy
        )
        return any(self.identifier in (one.get("RdsResourceId"), one.get("TrackedClusterId")) for one in targets)

    def _global_clusters(self) -> tuple[str, ...]:
        found = self._pages("rds:DescribeGlobalClusters", self.rds, "describe_global_clusters", "GlobalClusters")
        return tuple(
            one["GlobalClusterIdentifier"]
            for one in found
            if any(member.get("DBClusterArn") == self.arn for member in one.get("GlobalClusterMembers", []))
        )

    def _integrations(self) -> tuple[str, ...]:
        found = self._pages("rds:DescribeIntegrations", self.rds, "describe_integrations", "Integrations")
        return tuple(one["IntegrationName"] for one in found if one.get("SourceArn") == self.arn)

    def _logical_replication(self, cluster: Answer) -> bool:
        group = cluster.get("DBClusterParameterGroup", "")
        if not group or group.startswith("default."):
            return False  # AWS's own, in which it is off
        found = self._pages(
            "rds:DescribeDBClusterParameters", self.rds, "describe_db_cluster_parameters", "Parameters",
            DBClusterParameterGroupName=group, Source="user",
        )  # fmt: skip
        return any(one["ParameterName"] == "rds.logical_replication" and one.get("ParameterValue") == "1"
                   for one in found)  # fmt: skip

    def _secrets(self, resources: Mapping[str, Any]) -> tuple[Secret, ...]:
        """Those of the stack; where its template is not known, the one that is logged in with."""
        names = [
            resource["Properties"]["Name"]
            for resource in resources.values()
            if resource["Type"] == "AWS::SecretsManager::Secret" and isinstance(resource["Properties"].get("Name"), str)
        ]
        answers = [self._describe_secret(name) for name in names or [self.secret_arn]]
        return tuple(secret(answer) for answer in answers if answer)

    def _describe_secret(self, name: str) -> Answer | None:
        answer: Answer | None = self._try(
            "secretsmanager:DescribeSecret", lambda: self.secrets.describe_secret(SecretId=name)
        )
        return answer

    def _state(self, instances: tuple[Instance, ...], min_acu: float | None, now: datetime) -> str:
        if min_acu != 0 or any(instance.kind != SERVERLESS for instance in instances):
            return AWAKE
        answer = self._try("cloudwatch:GetMetricStatistics", lambda: self.cloudwatch.get_metric_statistics(
            Namespace="AWS/RDS", MetricName="ServerlessDatabaseCapacity", Period=60, Statistics=["Maximum"],
            Dimensions=[{"Name": "DBClusterIdentifier", "Value": self.identifier}],
            StartTime=now - timedelta(minutes=15), EndTime=now + timedelta(minutes=1),
        ))  # fmt: skip
        points = sorted((answer or {}).get("Datapoints", []), key=lambda point: point["Timestamp"])
        if not points:
            return UNKNOWN
        return AWAKE if points[-1]["Maximum"] > 0 else ASLEEP

    def _sessions(self, api: DataApi, state: str, *, wake: bool) -> tuple[Session, ...] | None:
        if state != AWAKE and not wake:
            log.info("the database is not asked, since that would wake it: --wake does")
            return None
        try:
            rows = api.with_timeout(180.0 if wake else 0.0).execute(_SESSIONS, idempotent=True).rows
        except DataApiError as error:
            self.unread.append(Unread("open connections", str(error)))
            return None
        return tuple(Session(**row) for row in rows)

    def _pages(self, action: str, client: Any, operation: str, member: str, **arguments: Any) -> list[Answer]:
        def read() -> list[Answer]:
            pages = client.get_paginator(operation).paginate(**arguments)
            return [each for page in pages for each in page.get(member, [])]

        return self._try(action, read) or []

    def _try(self, action: str, call: Callable[[], Any]) -> Any:
        """None, and a note, where it may not be read or is not there."""
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            self.unread.append(Unread(action, str(error)))
            return None
