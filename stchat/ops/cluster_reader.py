"""Reads a cluster through AWS's control plane, which does not resume it; its databases only while it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api import DataApi, aws_client, describe_error
from stchat.environment import region_of
from stchat.errors import DataApiError, SettingsError
from stchat.ops import database_reader
from stchat.ops.aws_responses import CAPACITY, CLUSTER, Response, declared, instance, present, secret
from stchat.ops.cluster_state import PAUSED, RUNNING, SERVERLESS, UNKNOWN, ClusterState, Instance, ReadFailure, Secret

log = logging.getLogger(__name__)

# The IAM actions of its calls.
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
ACTIONS_OF_DATABASES = ("rds-data:ExecuteStatement", "secretsmanager:GetSecretValue")


def read(arn: str, secret_arn: str, api: DataApi, *, wake: bool, now: datetime) -> ClusterState:
    """Raises SettingsError when there is no such cluster, or it cannot be read at all."""
    return _Reading(arn, secret_arn).state(api, wake=wake, now=now)


class _Reading:
    def __init__(self, arn: str, secret_arn: str) -> None:
        self.arn = arn
        self.identifier = arn.rpartition(":")[2]
        self.secret_arn = secret_arn
        self.read_failures: list[ReadFailure] = []
        self.rds, self.cloudformation, self.cloudwatch, self.secrets = (
            aws_client(service, region_of(arn), attempts=3)
            for service in ("rds", "cloudformation", "cloudwatch", "secretsmanager")
        )

    def state(self, api: DataApi, *, wake: bool, now: datetime) -> ClusterState:
        try:
            [cluster] = self.rds.describe_db_clusters(DBClusterIdentifier=self.identifier)["DBClusters"]
        except (ClientError, BotoCoreError) as error:
            raise SettingsError(f"cannot read cluster {self.arn}: {describe_error(error)}") from error
        found = self._pages("rds:DescribeDBInstances", self.rds, "describe_db_instances", "DBInstances", Filters=[
            {"Name": "db-cluster-id", "Values": [self.identifier]}
        ])  # fmt: skip
        stack, resources = self._template([cluster, *found])
        templates = {id: resource.get("Properties", {}) for id, resource in resources.items()}
        own = [templates[id] for id, resource in resources.items() if resource["Type"] == "AWS::RDS::DBCluster"]
        template = own[0] if own else {}
        scaling = cluster.get("ServerlessV2ScalingConfiguration", {})
        instances = tuple(instance(each, cluster, templates) for each in found)
        state = ClusterState(
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
            template=declared(template, CLUSTER)
            | declared(template.get("ServerlessV2ScalingConfiguration", {}), CAPACITY),
            instances=instances,
            proxies=self._proxies(),
            global_clusters=self._global_clusters(),
            integrations=self._integrations(),
            logical_replication=self._logical_replication(cluster),
            secrets=self._secrets(resources),
            state=self._running(instances, scaling.get("MinCapacity"), now),
            sessions=None,
            extensions=None,
            changed_roles=None,
            read_failures=(),
        )
        state = self._with_databases(state, api, wake=wake)
        return replace(state, read_failures=tuple(self.read_failures))

    def _template(self, found: list[Response]) -> tuple[str | None, Mapping[str, Any]]:
        """The stack that created them, by the tag that CloudFormation gives resources, and its resources."""
        tags = {tag["Key"]: tag["Value"] for each in found for tag in each.get("TagList", [])}
        stack = tags.get("aws:cloudformation:stack-name")
        if stack is None:
            self.read_failures.append(
                ReadFailure("the template", "no stack created this cluster: nothing to compare it with")
            )
            return None, {}
        response = self._try("cloudformation:GetTemplate", lambda: self.cloudformation.get_template(StackName=stack))
        body = (response or {}).get("TemplateBody", {})
        return stack, body["Resources"] if isinstance(body, dict) and "Resources" in body else {}

    def _engine_status(self, cluster: Response) -> str | None:
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

    def _logical_replication(self, cluster: Response) -> bool:
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
        """Those of the stack; where its template is not known, the one of the login."""
        names = [
            resource["Properties"]["Name"]
            for resource in resources.values()
            if resource["Type"] == "AWS::SecretsManager::Secret" and isinstance(resource["Properties"].get("Name"), str)
        ]
        found = [self._describe_secret(name) for name in names or [self.secret_arn]]
        return tuple(secret(one) for one in found if one)

    def _describe_secret(self, name: str) -> Response | None:
        found: Response | None = self._try(
            "secretsmanager:DescribeSecret", lambda: self.secrets.describe_secret(SecretId=name)
        )
        return found

    def _running(self, instances: tuple[Instance, ...], min_acu: float | None, now: datetime) -> str:
        if min_acu != 0 or any(instance.kind != SERVERLESS for instance in instances):
            return RUNNING
        response = self._try("cloudwatch:GetMetricStatistics", lambda: self.cloudwatch.get_metric_statistics(
            Namespace="AWS/RDS", MetricName="ServerlessDatabaseCapacity", Period=60, Statistics=["Maximum"],
            Dimensions=[{"Name": "DBClusterIdentifier", "Value": self.identifier}],
            StartTime=now - timedelta(minutes=15), EndTime=now + timedelta(minutes=1),
        ))  # fmt: skip
        points = sorted((response or {}).get("Datapoints", []), key=lambda point: point["Timestamp"])
        if not points:
            return UNKNOWN
        return RUNNING if points[-1]["Maximum"] > 0 else PAUSED

    def _with_databases(self, state: ClusterState, api: DataApi, *, wake: bool) -> ClusterState:
        if state.state != RUNNING and not wake:
            log.info("the databases are not read, since that would resume the cluster: --wake does")
            return state
        api = api.with_timeout(180.0 if wake else 0.0)
        try:
            state = replace(state, sessions=database_reader.sessions(api), state=RUNNING)
            state = replace(state, changed_roles=database_reader.changed_roles(api))
            state = replace(state, extensions=database_reader.outdated_extensions(api))
            state = replace(state, codes=database_reader.memory_codes(api))
            state = replace(state, without_words=database_reader.without_words(api))
            return replace(state, expired=database_reader.expired_rows(api))
        except DataApiError as error:
            self.read_failures.append(ReadFailure("the databases", str(error)))
            return state

    def _pages(self, action: str, client: Any, operation: str, member: str, **arguments: Any) -> list[Response]:
        def read() -> list[Response]:
            pages = client.get_paginator(operation).paginate(**arguments)
            return [each for page in pages for each in page.get(member, [])]

        return self._try(action, read) or []

    def _try(self, action: str, call: Callable[[], Any]) -> Any:
        """None, and a ReadFailure, where it cannot be read."""
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            self.read_failures.append(ReadFailure(action, describe_error(error)))
            return None
