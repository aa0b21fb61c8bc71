"""What a control plane (ministack) returns about clusters, secrets and callers. Every function here blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.credentials import AccessKey
from local_aws.data_api.admin_client import signed_call
from local_aws.data_api.errors import ApiError
from local_aws.data_api.secret_values import parse_secret, secret_not_found

DEFAULT_PAUSE_SECONDS = 300
ALLOWED, EXPLICIT_DENY = "allowed", "explicitDeny"
CLUSTER_TYPE = "AWS::RDS::DBCluster"


@dataclass(frozen=True)
class ClusterRecord:
    """`pause_seconds` is None for a cluster that never pauses; `snapshot` is what it was restored from."""

    arn: str
    identifier: str
    resource_id: str
    host: str
    http_endpoint: bool
    status: str
    writer: str | None
    database: str | None
    master: str
    master_secret: str | None
    pause_seconds: float | None = None
    snapshot: str | None = None


@dataclass(frozen=True)
class Caller:
    """The signer of a request, as its headers name it: the secret key stays with the caller."""

    access_key: str
    token: str | None


@dataclass(frozen=True)
class ControlPlane:
    """The account that an ARN names is the account that is asked, in the ARN's region."""

    url: str
    key: AccessKey

    def secret_key(self, access_key: str) -> str | None:
        """The secret of a session's or a user's access key: checked by the server that they are used at."""
        if not access_key.isalnum():
            return None
        try:
            answer = signed_call(self.key, "GET", f"{self.url}/_local/secret-of?{access_key}")
        except OSError:
            return None
        return answer.decode()

    def _secret(self, access_key: str) -> str:
        ours = access_key == self.key.id or access_key.isdecimal()
        return self.key.secret if ours else self.secret_key(access_key) or "unknown"

    def clusters(self, region: str, account: str) -> list[ClusterRecord]:
        pages = self._client("rds", region, account).get_paginator("describe_db_clusters").paginate()
        return [self._record(found, region, account) for page in pages for found in page["DBClusters"]]

    def final_snapshot(self, arn: str, resource_id: str) -> str | None:
        """The newest snapshot of a cluster that was deleted."""
        _, _, _, region, account, *_ = arn.split(":")
        found = self._client("rds", region, account).describe_db_cluster_snapshots()["DBClusterSnapshots"]
        mine = [snapshot for snapshot in found if snapshot["DbClusterResourceId"] == resource_id]
        newest = max(mine, key=lambda snapshot: snapshot["SnapshotCreateTime"], default=None)
        return newest and str(newest["DBClusterSnapshotIdentifier"])

    def secret(self, secret: str, region: str, account: str) -> tuple[str, str]:
        """The user and the password in a secret, given by ARN, by ARN without its suffix, or by name."""
        return parse_secret(self._ask_of_secret("get_secret_value", secret, region, account).get("SecretString"))

    def master(self, record: ClusterRecord) -> tuple[str, str]:
        """The master user and the password in the secret that is attached to the cluster.

        Raises:
            ApiError: InvalidResourceStateException, as long as no secret is attached.
        """
        _, _, _, region, account, *_ = record.arn.split(":")
        for values in self._secrets(region, account, record.master_secret):
            # AWS's attachment writes dbClusterIdentifier and host, ministack's the host alone.
            attached = (values.get("dbClusterIdentifier"), values.get("host"))
            ours = record.master_secret or record.identifier == attached[0] or record.host == attached[1]
            # A restored cluster has the master user of its snapshot, which ministack does not return.
            if ours and (record.snapshot or values.get("username") == record.master):
                return str(values["username"]), str(values["password"])
        raise ApiError(
            "InvalidResourceStateException",
            f"no secret is attached to {record.identifier}: one must hold its dbClusterIdentifier or host, "
            f"the username {record.master} and the password",
        )

    def secret_names(self, secret: str, region: str, account: str) -> tuple[str, str]:
        """The complete ARN and the name of a secret."""
        found = self._ask_of_secret("describe_secret", secret, region, account)
        return found["ARN"], found["Name"]

    def _ask_of_secret(self, operation: str, secret: str, region: str, account: str) -> dict[str, Any]:
        """`region` and `account` are those of a secret that is given by name; an ARN has its own."""
        if secret.startswith("arn:"):
            _, _, _, region, account, *_ = secret.split(":")
        try:
            answer: dict[str, Any] = getattr(self._client("secretsmanager", region, account), operation)(
                SecretId=secret
            )
        except ClientError as error:
            if is_failure(error):
                raise
            raise secret_not_found() from None
        return answer

    def identity(self, caller: Caller) -> str:
        """The ARN of the holder of an access key."""
        client = boto3.client(
            "sts",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=caller.access_key,
            aws_secret_access_key=self._secret(caller.access_key),
            aws_session_token=caller.token,
            config=CONFIG,
        )
        return str(client.get_caller_identity()["Arn"])

    def is_allowed(self, role_arn: str, actions: Sequence[str], resource: str) -> bool:
        """Whether the role's policies allow every action on the resource, by simulation."""
        return all(self.decision(role_arn, action, resource) == ALLOWED for action in actions)

    def decision(self, role_arn: str, action: str, resource: str) -> str:
        """IAM's decision: allowed, explicitDeny or implicitDeny."""
        _, _, _, _, account, *_ = role_arn.split(":")
        [result] = self._client("iam", "us-east-1", account).simulate_principal_policy(
            PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource]
        )["EvaluationResults"]
        return str(result["EvalDecision"])

    def _record(self, found: dict[str, Any], region: str, account: str) -> ClusterRecord:
        properties = self._template_properties(found["DBClusterIdentifier"], region, account)
        scaling = properties.get("ServerlessV2ScalingConfiguration", {})
        pause = scaling.get("SecondsUntilAutoPause", DEFAULT_PAUSE_SECONDS) if scaling.get("MinCapacity") == 0 else None
        snapshot = properties.get("SnapshotIdentifier")
        return ClusterRecord(
            arn=found["DBClusterArn"],
            identifier=found["DBClusterIdentifier"],
            resource_id=found["DbClusterResourceId"],
            host=found["Endpoint"],
            http_endpoint=found.get("HttpEndpointEnabled", False),
            status=found.get("Status", "available"),
            writer=next(
                (m["DBInstanceIdentifier"] for m in found.get("DBClusterMembers", []) if m["IsClusterWriter"]), None
            ),
            database=found.get("DatabaseName"),
            master=found["MasterUsername"],
            master_secret=found.get("MasterUserSecret", {}).get("SecretArn"),
            pause_seconds=float(pause) if isinstance(pause, (int, float)) else None,
            snapshot=snapshot.rpartition(":")[2] if isinstance(snapshot, str) else None,
        )

    def _template_properties(self, identifier: str, region: str, account: str) -> dict[str, Any]:
        """The cluster's properties in its stack's template: it has what describe-db-clusters loses."""
        client = self._client("cloudformation", region, account)
        # ministack does not look resources up by their physical id, as AWS does: so every stack is asked.
        for page in client.get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                for resource in client.describe_stack_resources(StackName=stack["StackName"])["StackResources"]:
                    if (resource["ResourceType"], resource.get("PhysicalResourceId")) == (CLUSTER_TYPE, identifier):
                        template = client.get_template(StackName=stack["StackName"])["TemplateBody"]
                        body = json.loads(template) if isinstance(template, str) else template
                        properties: dict[str, Any] = body["Resources"][resource["LogicalResourceId"]]["Properties"]
                        return properties
        return {}

    def _secrets(self, region: str, account: str, only: str | None) -> Iterator[dict[str, Any]]:
        client = self._client("secretsmanager", region, account)
        pages = client.get_paginator("list_secrets").paginate() if only is None else [{"SecretList": [{"ARN": only}]}]
        for page in pages:
            for secret in page["SecretList"]:
                try:
                    values = json.loads(client.get_secret_value(SecretId=secret["ARN"])["SecretString"])
                except ClientError as error:
                    # One without a value, or that is being deleted. Any other error would make a cluster look as if it
                    # had no secret.
                    if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "InvalidRequestException"):
                        raise
                    continue
                except (KeyError, ValueError):
                    continue
                if isinstance(values, dict):
                    yield values

    def _client(self, service: str, region: str, account: str) -> Any:
        return _client(self.url, self.key, service, region, account)


CONFIG = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30, proxies={})
UNREACHABLE = (BotoCoreError,)


def is_failure(error: ClientError) -> bool:
    """Whether the control plane failed, and did not refuse."""
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) >= 500


@lru_cache
def _client(url: str, key: AccessKey, service: str, region: str, account: str) -> Any:
    # ministack takes an access key of twelve digits for the account.
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key=key.secret,
        config=CONFIG,
    )
