"""Names in a stage's templates that an account and region hold once, and whether something has them already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from stchat.ops.templates import Template

# AWS's error code of each call where nothing has the name.
_ABSENT = ("DBClusterNotFoundFault", "DBSubnetGroupNotFoundFault", "ResourceNotFoundException")

Client = Callable[[str], Any]


@dataclass(frozen=True)
class PhysicalName:
    """`type` is CloudFormation's; `setting` the field of stacks/config.py that the name comes from."""

    type: str
    name: str
    setting: str


def _cluster(client: Client, name: str) -> str:
    [found] = client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return str(found["Status"])


def _subnet_group(client: Client, name: str) -> str:
    [found] = client("rds").describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
    return str(found["SubnetGroupStatus"])


def _secret(client: Client, name: str) -> str:
    """A secret that waits for its deletion keeps its name until then."""
    found = client("secretsmanager").describe_secret(SecretId=name)
    return f"deleted, but kept until {found['DeletedDate']:%Y-%m-%d}" if "DeletedDate" in found else "in use"


def _log_group(client: Client, name: str) -> str | None:
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return "in use" if any(group["logGroupName"] == name for group in groups) else None


# CloudFormation type -> property with the name, setting of stacks/config.py, the state of what has the name.
_TYPES: dict[str, tuple[str, str, Callable[[Client, str], str | None]]] = {
    "AWS::RDS::DBCluster": ("DBClusterIdentifier", "cluster_identifier", _cluster),
    "AWS::RDS::DBSubnetGroup": ("DBSubnetGroupName", "subnet_group_name", _subnet_group),
    "AWS::SecretsManager::Secret": ("Name", "master_secret_name", _secret),
    "AWS::Logs::LogGroup": ("LogGroupName", "cluster_identifier", _log_group),
}


def physical_names(templates: Iterable[Template]) -> list[PhysicalName]:
    """Those that stand in the templates as text."""
    resources = [resource for template in templates for resource in template["Resources"].values()]
    return [
        PhysicalName(kind, resource["Properties"][member], setting)
        for kind, (member, setting, _) in _TYPES.items()
        for resource in resources
        if resource["Type"] == kind and isinstance(resource.get("Properties", {}).get(member), str)
    ]


def state(client: Client, name: PhysicalName) -> str | None:
    """The state of what has the name; None where it is free. Raises botocore's errors for anything else."""
    try:
        return _TYPES[name.type][2](client, name.name)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise


def made_by(client: Client, prefix: str) -> set[str]:
    """The physical ids of all resources in stacks whose names begin with `prefix`. A secret's is its ARN."""
    cloudformation = client("cloudformation")
    stacks = [
        stack["StackName"]
        for page in cloudformation.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"].startswith(prefix)
    ]
    return {
        resource.get("PhysicalResourceId", "")
        for name in stacks
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        for resource in page["StackResourceSummaries"]
    }


def is_among(name: str, physical_ids: Iterable[str]) -> bool:
    return any(id == name or f":secret:{name}-" in id for id in physical_ids)
