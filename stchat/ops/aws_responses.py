"""What AWS's control plane answers of a cluster, an instance and a secret, as `doctor` keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from stchat.ops.cluster_state import Instance, Secret

Answer = dict[str, Any]

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


def present(answer: Answer, names: Mapping[str, str]) -> dict[str, Any]:
    return {name: answer[member] for name, member in names.items() if member in answer}


def said(template: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: template[name] for name in names if name in template}


def instance(answer: Answer, cluster: Answer, templates: Mapping[str, Any]) -> Instance:
    tags = {tag["Key"]: tag["Value"] for tag in answer.get("TagList", [])}
    group = answer.get("DBSubnetGroup", {})
    ends = answer.get("CertificateDetails", {}).get("ValidTill")
    writers = [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"] if one["IsClusterWriter"]]
    return Instance(
        identifier=answer["DBInstanceIdentifier"],
        role="writer" if answer["DBInstanceIdentifier"] in writers else "reader",
        tier=answer.get("PromotionTier", 1),
        kind=answer["DBInstanceClass"],
        zone=answer.get("AvailabilityZone", ""),
        vpc=group.get("VpcId", ""),
        subnet_group=group.get("DBSubnetGroupName", ""),
        security_groups=tuple(
            # Those of the cluster, which an instance has too.
            one["VpcSecurityGroupId"]
            for one in answer.get("VpcSecurityGroups") or cluster.get("VpcSecurityGroups", [])
        ),
        ca=answer.get("CACertificateIdentifier", ""),
        certificate_ends=ends.date() if ends else None,
        engine_version=answer.get("EngineVersion", ""),
        status=answer["DBInstanceStatus"],
        properties=present(answer, _INSTANCE),
        template=said(templates.get(tags.get("aws:cloudformation:logical-id", ""), {}), _INSTANCE),
    )


def secret(answer: Answer) -> Secret:
    rules = answer.get("RotationRules", {})
    days = rules.get("AutomaticallyAfterDays")
    every = rules.get("ScheduleExpression") or (f"{days} days" if days else "")
    return Secret(
        name=answer["Name"],
        rotates=answer.get("RotationEnabled", False),
        every=every,
        last=_utc(answer.get("LastRotatedDate")),
        due=_utc(answer.get("NextRotationDate")),
        pending=any(labels == ["AWSPENDING"] for labels in answer.get("VersionIdsToStages", {}).values()),
        changed=_utc(answer.get("LastChangedDate")),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
