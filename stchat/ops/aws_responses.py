"""AWS's descriptions of a cluster, an instance and a secret, as `doctor` keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from stchat.ops.cluster_state import Instance, Secret

Response = dict[str, Any]

# Property of the template -> member of DescribeDBClusters, of DescribeDBInstances.
CLUSTER = {
    "EngineVersion": "EngineVersion",
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "DeletionProtection": "DeletionProtection",
    "StorageEncrypted": "StorageEncrypted",
    "EnableHttpEndpoint": "HttpEndpointEnabled",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
}
CAPACITY = ("MinCapacity", "MaxCapacity", "SecondsUntilAutoPause")
_INSTANCE = {
    "DBInstanceClass": "DBInstanceClass",
    "PromotionTier": "PromotionTier",
    "AvailabilityZone": "AvailabilityZone",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "PubliclyAccessible": "PubliclyAccessible",
}


def present(response: Response, names: Mapping[str, str]) -> dict[str, Any]:
    return {name: response[member] for name, member in names.items() if member in response}


def declared(template: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: template[name] for name in names if name in template}


def instance(response: Response, cluster: Response, templates: Mapping[str, Any]) -> Instance:
    tags = {tag["Key"]: tag["Value"] for tag in response.get("TagList", [])}
    group = response.get("DBSubnetGroup", {})
    ends = response.get("CertificateDetails", {}).get("ValidTill")
    writers = [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"] if one["IsClusterWriter"]]
    return Instance(
        identifier=response["DBInstanceIdentifier"],
        role="writer" if response["DBInstanceIdentifier"] in writers else "reader",
        tier=response.get("PromotionTier", 1),
        kind=response["DBInstanceClass"],
        zone=response.get("AvailabilityZone", ""),
        vpc=group.get("VpcId", ""),
        subnet_group=group.get("DBSubnetGroupName", ""),
        security_groups=tuple(
            # Those of the cluster, which an instance has too.
            one["VpcSecurityGroupId"]
            for one in response.get("VpcSecurityGroups") or cluster.get("VpcSecurityGroups", [])
        ),
        ca=response.get("CACertificateIdentifier", ""),
        certificate_ends=ends.date() if ends else None,
        engine_version=response.get("EngineVersion", ""),
        status=response["DBInstanceStatus"],
        properties=present(response, _INSTANCE),
        template=declared(templates.get(tags.get("aws:cloudformation:logical-id", ""), {}), _INSTANCE),
    )


def secret(response: Response) -> Secret:
    rules = response.get("RotationRules", {})
    days = rules.get("AutomaticallyAfterDays")
    every = rules.get("ScheduleExpression") or (f"{days} days" if days else "")
    return Secret(
        name=response["Name"],
        rotates=response.get("RotationEnabled", False),
        every=every,
        last=_utc(response.get("LastRotatedDate")),
        due=_utc(response.get("NextRotationDate")),
        pending=any(labels == ["AWSPENDING"] for labels in response.get("VersionIdsToStages", {}).values()),
        changed=_utc(response.get("LastChangedDate")),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
