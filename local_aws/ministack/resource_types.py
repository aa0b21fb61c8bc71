"""CloudFormation types that `prod` has and ministack has not: each does what the API call of the same name would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import ec2, secretsmanager
from ministack.services.cloudformation import provisioners

from local_aws.ministack import rotation

Properties = Mapping[str, Any]
Made = tuple[str, dict[str, Any]]


def create_flow_log(_logical_id: str, properties: Properties, _stack: str) -> Made:
    group = properties["LogGroupName"]
    before = set(ec2._flow_logs.keys())
    ec2._create_flow_logs(
        {
            "ResourceId.1": [properties["ResourceId"]],
            "ResourceType": [properties["ResourceType"]],
            "TrafficType": [properties["TrafficType"]],
            "LogGroupName": [group],
        }
    )
    [id] = set(ec2._flow_logs.keys()) - before
    return id, {"Id": id}


def delete_flow_log(id: str, _properties: Properties) -> None:
    ec2._flow_logs.pop(id, None)


def create_ingress(logical_id: str, properties: Properties, _stack: str) -> Made:
    ec2._security_groups[properties["GroupId"]]["IpPermissions"] += provisioners._ec2_sg_permissions([properties])
    return f"sgr-{logical_id}", {}


def delete_ingress(_id: str, properties: Properties) -> None:
    group = ec2._security_groups.get(properties["GroupId"])
    if group is not None:
        gone = [json.dumps(rule) for rule in provisioners._ec2_sg_permissions([properties])]
        group["IpPermissions"] = [rule for rule in group["IpPermissions"] if json.dumps(rule) not in gone]


def create_rotation_schedule(_logical_id: str, properties: Properties, _stack: str) -> Made:
    _, secret = secretsmanager._resolve(properties["SecretId"])
    rotation.configure(secret, properties["RotationLambdaARN"], properties["RotationRules"])
    rotation.begin(secret)
    return secret["ARN"], {}


def update_rotation_schedule(_id: str, _old: Properties, properties: Properties, stack: str) -> Made:
    return create_rotation_schedule("", properties, stack)


def delete_rotation_schedule(id: str, _properties: Properties) -> None:
    _, secret = secretsmanager._resolve(id)
    if secret is not None:
        secret["RotationEnabled"] = False


HANDLERS = {
    "AWS::EC2::FlowLog": {"create": create_flow_log, "delete": delete_flow_log},
    "AWS::EC2::SecurityGroupIngress": {"create": create_ingress, "delete": delete_ingress},
    "AWS::SecretsManager::RotationSchedule": {
        "create": create_rotation_schedule,
        "update": update_rotation_schedule,
        "delete": delete_rotation_schedule,
    },
}
