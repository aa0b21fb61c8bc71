"""The Fargate service: what it may, whom it reaches, and that AwsSolutions and cfn-lint find nothing in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks
from cfnlint import lint
from cfnlint.config import ManualArgs

from constructs_lib import AuroraPostgres, DatabaseAccess, TwoTierVpc
from constructs_lib.acknowledgments import acknowledge
from constructs_lib.fargate_service import FargateService
from tests.support.templates import EXPLAINED

TOKYO = Environment(account="111111111111", region="ap-northeast-1")


def build(application_only: bool = True, **settings: Any) -> tuple[App, Stack]:
    app = App()
    stack = Stack(app, "Stack", env=TOKYO)
    network = TwoTierVpc(stack, "Network", availability_zones=["ap-northeast-1a", "ap-northeast-1c"])
    access = DatabaseAccess(stack, "Access", vpc=network.vpc, vpc_cidr="10.0.0.0/16", application_only=application_only)
    database = AuroraPostgres(stack, "Database", vpc=network.vpc, security_group=access.database)
    for construct in (network, database):
        acknowledge(
            construct,
            {
                f"AwsSolutions::AwsSolutions-{rule}": "not what is tested"
                for rule in ("VPC7", "SMG4", "RDS10", "RDS11", "RDS13")
            },
        )
    if "secret" in settings:
        settings["secret"] = database.role_secret("AppSecret", role="st_chat_app", database="st_chat_db")
    FargateService(
        stack, "Chat", vpc=network.vpc, access=access, cluster=database.cluster,
        image=ecs.ContainerImage.from_registry("111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/chat"), **settings,
    )  # fmt: skip
    return app, stack


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.from_stack(build()[1])


def resources(template: Template, kind: str) -> list[Mapping[str, Any]]:
    return [found["Properties"] for found in template.find_resources(kind).values()]


def test_it_is_in_subnets_without_a_route_out(template: Template) -> None:
    [service] = resources(template, "AWS::ECS::Service")
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    assert len(network["Subnets"]) == 2
    assert all("private" in subnet["Ref"] for subnet in network["Subnets"])
    assert "Application" in json.dumps(network["SecurityGroups"])
    template.resource_count_is("AWS::EC2::NatGateway", 0)


def test_the_endpoints_that_it_needs(template: Template) -> None:
    endpoints = resources(template, "AWS::EC2::VPCEndpoint")
    names = sorted(json.dumps(one["ServiceName"]).rpartition("ap-northeast-1.")[2].strip('"]}') for one in endpoints)
    assert [one["VpcEndpointType"] for one in endpoints].count("Interface") == 4
    assert {"bedrock-runtime", "ecr.api", "ecr.dkr", "logs"} <= set(names)
    for one in endpoints:
        if one["VpcEndpointType"] == "Interface":
            assert len(one["SubnetIds"]) == 2


def test_the_least_rights(template: Template) -> None:
    statements = [
        statement
        for policy in resources(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    actions = sorted(str(statement["Action"]) for statement in statements)
    assert "rds-db:connect" in actions
    assert "bedrock:InvokeModel" in actions
    [connect] = [one for one in statements if one["Action"] == "rds-db:connect"]
    resource = json.dumps(connect["Resource"])
    assert "dbuser:" in resource
    assert resource.endswith('/st_chat_app_iam"]]}')
    assert "DBClusterResourceId" in resource
    assert not [one for one in statements if "secretsmanager" in str(one["Action"]) or "rds-data" in str(one["Action"])]


def test_a_login_by_secret_reads_that_secret_and_no_more() -> None:
    template = Template.from_stack(build(secret=True)[1])
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": [
                    {
                        "Action": "secretsmanager:GetSecretValue",
                        "Effect": "Allow",
                        "Resource": {"Ref": Match.string_like_regexp("^DatabaseAppSecret.*Attachment")},
                    },
                    Match.object_like({"Action": "bedrock:InvokeModel"}),
                ],
                "Version": "2012-10-17",
            }
        },
    )
    assert "rds-db:connect" not in json.dumps(template.to_json())
    [task] = resources(template, "AWS::ECS::TaskDefinition")
    names = {one["Name"] for one in task["ContainerDefinitions"][0]["Environment"]}
    assert "STCHAT_APP_SECRET_ARN" in names
    assert "STCHAT_DB_IAM_ROLE" not in names
    endpoints = template.find_resources("AWS::EC2::VPCEndpoint")
    assert "secretsmanager" in json.dumps([one["Properties"]["ServiceName"] for one in endpoints.values()])
    [service] = template.find_resources("AWS::ECS::Service").values()
    assert len(endpoints) == 6
    assert endpoints.keys() <= set(service["DependsOn"])  # before the first task fetches its image


def test_the_container(template: Template) -> None:
    [task] = resources(template, "AWS::ECS::TaskDefinition")
    [container] = task["ContainerDefinitions"]
    assert (container["ReadonlyRootFilesystem"], container["User"]) == (True, "1000")
    names = {one["Name"] for one in container["Environment"]}
    assert {"STCHAT_DB_HOST", "STCHAT_DB_IAM_ROLE", "STCHAT_DB_CA_BUNDLE", "STCHAT_DATABASE"} <= names
    assert "STCHAT_DB_READER_HOST" not in names
    assert container["HealthCheck"]["Command"][:3] == ["CMD", "python", "-c"]
    assert "127.0.0.1:8000/health" in container["HealthCheck"]["Command"][3]


def test_aws_solutions_and_cfn_lint_find_nothing() -> None:
    app, stack = build(application_only=False, recall_on_reader=True)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    config = ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED)
    found = lint(json.dumps(Template.from_stack(stack).to_json()), config=config)
    assert [f"{match.rule.id} {match.message}" for match in found] == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"port": 80}, "port must be 1024 to 65535, got 80: the container's user is not root"),
        ({"health_path": "x"}, "health_path must begin with /, got x"),
        ({"tasks": 0}, "tasks must be at least 1, got 0"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(Exception, match=text):
        build(**settings)
