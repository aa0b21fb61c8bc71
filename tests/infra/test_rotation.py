"""The rotation construct, in an app of its own: what it may do, who may call it, and when it begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from constructs_lib.acknowledgments import acknowledge
from constructs_lib.policy_checks import add_policy_checks
from constructs_lib.secret_rotation import SecretRotation

MASTER = {"Ref": "ClusterSecretAttachment769E6258"}
ROLE = {"Ref": "RoleSecretAttachment6DB8A2E6"}
NOT_TESTED = ["VPC7", "RDS2", "RDS6", "RDS10", "SMG4"]
SECRET_ACTIONS = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"]

Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def resources() -> Resources:
    """One cluster; its role's secret is rotated by its master, whose own secret is not."""
    app = App(context=json.loads(Path("cdk.json").read_text())["context"])
    stack = Stack(app, "Stack")
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0)
    cluster = rds.DatabaseCluster(
        stack,
        "Cluster",
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_16_8),
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=vpc.isolated_subnets),
        writer=rds.ClusterInstance.serverless_v2("Writer"),
    )
    master = cluster.secret
    assert master is not None
    role = rds.DatabaseSecret(stack, "RoleSecret", username="st_chat_app").attach(cluster)
    SecretRotation(stack, "Rotation", cluster=cluster, master=master, secrets={"Role": role}, every=Duration.days(7))
    for beside in (vpc, cluster):
        acknowledge(beside, {f"AwsSolutions::AwsSolutions-{rule}": "not what is tested" for rule in NOT_TESTED})
    add_policy_checks(app)  # an unacknowledged finding on the rotation fails synth
    found: Resources = app.synth().stacks[0].template["Resources"]
    return found


def of_type(resources: Resources, kind: str) -> list[dict[str, Any]]:
    return [
        resource for name, resource in resources.items() if resource["Type"] == kind and name.startswith("Rotation")
    ]


def test_the_function_may_do_exactly_this(resources: Resources) -> None:
    [policy] = of_type(resources, "AWS::IAM::Policy")
    cluster_arn = {
        "Fn::Join": [
            "",
            [
                "arn:", {"Ref": "AWS::Partition"}, ":rds:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"},
                ":cluster:", {"Ref": "ClusterEB0386A7"},
            ],
        ]
    }  # fmt: skip
    logs = {"Fn::GetAtt": ["RotationRotatorLogs3C02B44B", "Arn"]}
    assert [
        (statement["Effect"], statement["Action"], statement["Resource"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ] == [
        ("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"], logs),
        ("Allow", "rds-data:ExecuteStatement", cluster_arn),
        ("Allow", "secretsmanager:GetSecretValue", MASTER),
        ("Allow", [f"secretsmanager:{action}" for action in SECRET_ACTIONS], ROLE),
    ]
    [role] = of_type(resources, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role["Properties"]


def test_only_this_accounts_secrets_manager_may_call_it(resources: Resources) -> None:
    [permission] = of_type(resources, "AWS::Lambda::Permission")
    assert {name: value for name, value in permission["Properties"].items() if name != "FunctionName"} == {
        "Action": "lambda:InvokeFunction",
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }


def test_it_needs_no_network_and_logs_in_as_the_master(resources: Resources) -> None:
    [function] = of_type(resources, "AWS::Lambda::Function")
    assert "VpcConfig" not in function["Properties"]
    assert function["Properties"]["Handler"] == "stchat.handlers.rotation.on_rotation"
    assert function["Properties"]["Environment"]["Variables"]["STCHAT_SECRET_ARN"] == MASTER
    assert function["Properties"]["Timeout"] == 600


def test_the_first_rotation_waits_for_instances_policy_and_permission(resources: Resources) -> None:
    [schedule] = of_type(resources, "AWS::SecretsManager::RotationSchedule")
    assert schedule["Properties"]["SecretId"] == ROLE
    assert schedule["Properties"]["RotationRules"] == {"ScheduleExpression": "rate(7 days)"}
    needed = {"AWS::RDS::DBInstance", "AWS::IAM::Policy", "AWS::Lambda::Permission", "AWS::Lambda::Function"}
    assert needed <= {resources[name]["Type"] for name in schedule["DependsOn"]}
