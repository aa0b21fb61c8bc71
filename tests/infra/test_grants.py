"""What each `grant_...` of a construct lets a grantee do, and that it is no more: one stack with all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from constructs_lib import (
    Alarms,
    AuroraPostgres,
    ChatFunction,
    DatabaseAccess,
    KmsKey,
    SecretRotation,
    TwoTierVpc,
)

GRANTS = {
    # grantee -> for each statement: its actions, what its resource is in the template, and whether it has conditions
    "DataApi": [
        (
            [
                "BatchExecuteStatement",
                "BeginTransaction",
                "CommitTransaction",
                "ExecuteStatement",
                "RollbackTransaction",
            ],
            "DatabaseCluster",
            False,
        ),
        (["DescribeSecret", "GetSecretValue"], "DatabaseAppSecret", False),
    ],
    "Invoke": [(["InvokeFunction"], "FunctionChat", False)],
    "Url": [(["InvokeFunctionUrl"], "FunctionChat", True), (["InvokeFunction"], "FunctionChat", True)],
    "Rotate": [(["DescribeSecret", "RotateSecret"], "DatabaseAppSecret", False)],
    "Subscribe": [(["Subscribe"], "AlarmsTopic", False)],
}


@pytest.fixture(scope="module")
def template() -> Template:
    stack = Stack(App(), "Stack")
    vpc = TwoTierVpc(stack, "Vpc").vpc
    access = DatabaseAccess(stack, "Access", vpc=vpc, application_only=True)
    database = AuroraPostgres(stack, "Database", vpc=vpc, security_group=access.database)
    secret = database.role_secret("AppSecret", role="st_chat_app", database="st_chat_db")
    chat = ChatFunction(stack, "Function", cluster=database.cluster, secret=secret)
    rotation = SecretRotation(
        stack, "Rotation", cluster=database.cluster, master=database.secret, every=Duration.days(30)
    )
    of = {name: iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()) for name in GRANTS}
    database.grant_data_api(of["DataApi"], secret=secret)
    chat.grant_invoke(of["Invoke"])
    chat.grant_invoke_url(of["Url"])
    rotation.grant_rotate(of["Rotate"], secret)
    Alarms(stack, "Alarms").grant_subscribe(of["Subscribe"])
    access.grant_connect(ec2.SecurityGroup(stack, "Reports", vpc=vpc), "PostgreSQL from reports")
    KmsKey(stack, "Key").grant_log_group("/a/log")
    return Template.from_stack(stack)


def policies(template: Template, role: str) -> list[dict[str, Any]]:
    return [
        statement
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        if name.startswith(f"{role}DefaultPolicy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


@pytest.mark.parametrize("role", GRANTS)
def test_a_role_gets_exactly_this(template: Template, role: str) -> None:
    found = policies(template, role)
    assert len(found) == len(GRANTS[role])
    for statement, (actions, resource, conditional) in zip(found, GRANTS[role], strict=True):
        given = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert sorted(action.partition(":")[2] for action in given) == actions
        assert resource in json.dumps(statement["Resource"])
        assert "*" not in (statement["Resource"] if isinstance(statement["Resource"], str) else "")
        assert ("Condition" in statement) is conditional


def test_a_security_group_is_admitted_to_postgresql_alone(template: Template) -> None:
    found = [one["Properties"] for one in template.find_resources("AWS::EC2::SecurityGroupIngress").values()]
    [reports] = [one for one in found if one["Description"] == "PostgreSQL from reports"]
    assert (reports["IpProtocol"], reports["FromPort"], reports["ToPort"]) == ("tcp", 5432, 5432)
    assert "Reports" in json.dumps(reports["SourceSecurityGroupId"])
    assert "AccessDatabase" in json.dumps(reports["GroupId"])


def test_cloudwatch_logs_may_use_the_key_for_that_group_alone(template: Template) -> None:
    [key] = template.find_resources("AWS::KMS::Key").values()
    [statement] = [
        one
        for one in key["Properties"]["KeyPolicy"]["Statement"]
        if "logs." in json.dumps(one["Principal"]) and one["Effect"] == "Allow"
    ]
    [(operator, values)] = statement["Condition"].items()
    assert operator == "ArnEquals"
    assert json.dumps(values["kms:EncryptionContext:aws:logs:arn"]).endswith(':log-group:/a/log"]]}')
