"""What RDS answers about clusters and their instances, and ministack loses: auto-pause, roles, versions and the CA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import rds
from ministack.services.cloudformation import provisioners

DEFAULT_AUTO_PAUSE_SECONDS = 300
SCALING = "ServerlessV2ScalingConfiguration"
CLUSTER, INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"
Handler = Callable[..., tuple[str, dict[str, Any]]]
_scaling_of_call = rds._serverlessv2_from_params


def install() -> None:
    # ministack gives a cluster and its instances the address of a container, after a restart also where there is none.
    # The secrets that are attached have the name.
    rds._sync_cluster_endpoints = rds._attach_instance_to_shared_cluster = _keep_endpoints
    rds._serverlessv2_xml = scaling_xml
    rds._serverlessv2_from_params = scaling_of_call
    rds._ACTION_MAP["DescribeIntegrations"] = describe_integrations
    handlers = provisioners._RESOURCE_HANDLERS
    for type_, complete in ((CLUSTER, _complete_members), (INSTANCE, _complete_instance)):
        original = handlers[type_]
        handlers[type_] = original | {
            "create": _created(original["create"], complete),
            "update": _updated(original["update"], complete),
        }
    rds._ACTION_MAP["CreateDBInstance"] = _with_ca(rds._ACTION_MAP["CreateDBInstance"])


def _keep_endpoints(*_: dict[str, Any]) -> None:
    """The names of AWS's shape, for as long as the cluster is there."""


def scaling_xml(cluster: dict[str, Any]) -> str:
    """Of DescribeDBClusters, with the seconds until an idle cluster pauses."""
    scaling = cluster.get(SCALING)
    if not scaling:
        return ""
    members = {"MinCapacity": float(scaling.get("MinCapacity", 0.5)), "MaxCapacity": float(scaling["MaxCapacity"])}
    if members["MinCapacity"] == 0:
        members["SecondsUntilAutoPause"] = int(scaling.get("SecondsUntilAutoPause", DEFAULT_AUTO_PAUSE_SECONDS))
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return f"<{SCALING}>{inner}</{SCALING}>"


def scaling_of_call(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Of CreateDBCluster and ModifyDBCluster."""
    scaling: dict[str, Any] | None = _scaling_of_call(parameters)
    seconds = rds._p(parameters, f"{SCALING}.SecondsUntilAutoPause")
    return scaling if scaling is None or not seconds else scaling | {"SecondsUntilAutoPause": int(seconds)}


def describe_integrations(_parameters: dict[str, Any]) -> Any:
    """There are no zero-ETL integrations here."""
    inner = "<DescribeIntegrationsResult><Integrations/></DescribeIntegrationsResult>"
    return rds._xml(200, "DescribeIntegrationsResponse", inner)


def _created(create: Handler, complete: Callable[[str, dict[str, Any]], None]) -> Handler:
    def handler(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        made = create(logical_id, properties, stack)
        complete(made[0], properties)
        return made

    return handler


def _updated(update: Handler, complete: Callable[[str, dict[str, Any]], None]) -> Handler:
    def handler(
        id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any
    ) -> tuple[str, dict[str, Any]]:
        made = update(id, old, new, *rest, **named)
        complete(made[0], new)
        return made

    return handler


def _complete_members(cluster_id: str, _properties: dict[str, Any]) -> None:
    """A cluster's version is that of its instances."""
    cluster = rds._clusters.get(cluster_id) or {}
    for member in cluster.get("DBClusterMembers", []):
        instance = rds._instances.get(member["DBInstanceIdentifier"])
        if instance is not None:
            instance["EngineVersion"] = cluster["EngineVersion"]


def _complete_instance(instance_id: str, properties: dict[str, Any]) -> None:
    instance = rds._instances[instance_id]
    if ca := properties.get("CACertificateIdentifier"):
        instance["CACertificateIdentifier"] = ca
    cluster = rds._clusters.get(instance.get("DBClusterIdentifier") or "")
    if cluster is not None:
        instance["EngineVersion"] = cluster["EngineVersion"]
        members = cluster["DBClusterMembers"]
        writer = next((one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]), instance_id)
        for one in members:  # ministack calls every instance of a template the writer
            one["IsClusterWriter"] = one["DBInstanceIdentifier"] == writer


def _with_ca(create: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def create_db_instance(parameters: dict[str, Any]) -> Any:
        answer = create(parameters)
        made = rds._instances.get(rds._p(parameters, "DBInstanceIdentifier") or "")
        if answer[0] == 200 and made is not None and (ca := rds._p(parameters, "CACertificateIdentifier")):
            made["CACertificateIdentifier"] = ca
        return answer

    return create_db_instance
