"""Names that AWS holds unique in an account and a region: a stack that makes a second one fails, as on AWS.

ministack's CloudFormation replaces what has the name: a deploy over a cluster made by hand would take its data with it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch_logs, iam, lambda_svc, rds, secretsmanager
from ministack.services.cloudformation import provisioners

Properties = Mapping[str, Any]
Create = Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class UniqueName:
    """The property that holds the name, what has names already, and the service's words of the error."""

    property: str
    existing: Container[str]
    service: str
    status: int
    message: str
    lower_case: bool = False  # RDS keeps its identifiers so

    def refuse(self, properties: Properties) -> None:
        name = properties.get(self.property)
        if isinstance(name, str) and (name.lower() if self.lower_case else name) in self.existing:
            message = self.message.format(name=name)
            raise ValueError(
                f'Resource handler returned message: "{message} (Service: {self.service}, Status Code: {self.status})" '
                "(HandlerErrorCode: AlreadyExists)"
            )


UNIQUE = {
    "AWS::RDS::DBCluster": UniqueName(
        "DBClusterIdentifier", rds._clusters, "Rds", 400, "DB Cluster already exists", lower_case=True
    ),
    "AWS::RDS::DBInstance": UniqueName(
        "DBInstanceIdentifier", rds._instances, "Rds", 400, "DB instance already exists", lower_case=True
    ),
    "AWS::RDS::DBSubnetGroup": UniqueName(
        "DBSubnetGroupName",
        rds._subnet_groups,
        "Rds",
        400,
        "The DB subnet group '{name}' already exists.",
        lower_case=True,
    ),
    "AWS::SecretsManager::Secret": UniqueName(
        "Name",
        secretsmanager._secrets,
        "SecretsManager",
        400,
        "The operation failed because the secret {name} already exists.",
    ),
    "AWS::IAM::Role": UniqueName("RoleName", iam._roles, "Iam", 409, "Role with name {name} already exists."),
    "AWS::Lambda::Function": UniqueName(
        "FunctionName", lambda_svc._functions, "Lambda", 409, "Function already exist: {name}"
    ),
    "AWS::Logs::LogGroup": UniqueName(
        "LogGroupName", cloudwatch_logs._log_groups, "CloudWatchLogs", 400, "The specified log group already exists"
    ),
}
_create_subnet_group = rds._create_subnet_group


def install() -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    for type_, unique in UNIQUE.items():
        handlers[type_] = handlers[type_] | {"create": _guarded(handlers[type_]["create"], unique)}
    rds._create_subnet_group = rds._ACTION_MAP["CreateDBSubnetGroup"] = create_subnet_group


def create_subnet_group(parameters: dict[str, Any]) -> Any:
    """The API call; ministack's replaces a group of that name."""
    name = str(rds._p(parameters, "DBSubnetGroupName") or "").lower()
    if name in rds._subnet_groups:
        return rds._error("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.", 400)
    return _create_subnet_group(parameters)


def _guarded(create: Create, unique: UniqueName) -> Create:
    def guarded(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        unique.refuse(properties)
        return create(logical_id, properties, stack)

    return guarded
