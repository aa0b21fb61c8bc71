"""A control plane with one cluster as CloudFormation makes it, and the endpoint that asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3

from local_aws.state import ACCOUNT, REGION
from tests.support.data_api_endpoint import KEY, Endpoint

STACK = "memory"


PAUSE_SECONDS = 1800


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Name": "memory.master",
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username":"master"}',
                    "GenerateStringKey": "password",
                    "ExcludeCharacters": "\"'\\/@",
                },
            },
        },
        "Cluster": {
            "Type": "AWS::RDS::DBCluster",
            "Properties": {
                "DBClusterIdentifier": "memory",
                "Engine": "aurora-postgresql",
                "EngineVersion": "16.8",
                "DatabaseName": "first",
                "MasterUsername": "master",
                "MasterUserPassword": {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password}}"},
                "EnableHttpEndpoint": True,
                "ServerlessV2ScalingConfiguration": {
                    "MinCapacity": 0,
                    "MaxCapacity": 4,
                    "SecondsUntilAutoPause": PAUSE_SECONDS,
                },
            },
        },
        "Writer": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "DBInstanceIdentifier": "memory-writer",
                "DBClusterIdentifier": {"Ref": "Cluster"},
                "DBInstanceClass": "db.serverless",
                "Engine": "aurora-postgresql",
            },
        },
        "Attachment": {
            "Type": "AWS::SecretsManager::SecretTargetAttachment",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "TargetId": {"Ref": "Cluster"},
                "TargetType": "AWS::RDS::DBCluster",
            },
        },
    },
    "Outputs": {
        "Cluster": {"Value": {"Fn::GetAtt": ["Cluster", "DBClusterArn"]}},
        "Secret": {"Value": {"Ref": "Secret"}},
    },
}


@dataclass(frozen=True)
class LocalAws:
    """A control plane, and an endpoint over it."""

    url: str
    endpoint: Endpoint

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=KEY.secret,
        )


def deploy(url: str, stack: str, template: dict[str, Any]) -> dict[str, str]:
    """Create a stack; returns its outputs."""
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=KEY.secret,
    )
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    [description] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
