"""The network and the credentials of the baseline configuration, on the templates of `dev`, and what `prod` changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.config import dev, prod
from tests.support.templates import name_tag, one, properties

DEV = dev()
PROD = prod()

Template = dict[str, Any]
Of = Callable[[str], dict[str, Template]]


class TestNetwork:
    @pytest.fixture
    def network(self, templates: Of) -> Template:
        return templates("dev")["Network"]

    def test_vpc(self, network: Template) -> None:
        vpc = one(network, "AWS::EC2::VPC")
        assert (name_tag(vpc), vpc["CidrBlock"]) == ("myVPC-002-rag-vpc", "10.0.0.0/16")
        assert vpc["InstanceTenancy"] == "default"
        assert not properties(network, "AWS::EC2::VPCCidrBlock")  # no IPv6

    def test_subnets(self, network: Template) -> None:
        subnets = {
            name_tag(s): (s["CidrBlock"], s["AvailabilityZone"]) for s in properties(network, "AWS::EC2::Subnet")
        }
        assert subnets == {
            "myVPC-002-rag-subnet-public1-ap-northeast-1a": ("10.0.0.0/20", "ap-northeast-1a"),
            "myVPC-002-rag-subnet-public2-ap-northeast-1c": ("10.0.16.0/20", "ap-northeast-1c"),
            "myVPC-002-rag-subnet-private1-ap-northeast-1a": ("10.0.128.0/20", "ap-northeast-1a"),
            "myVPC-002-rag-subnet-private2-ap-northeast-1c": ("10.0.144.0/20", "ap-northeast-1c"),
        }

    def test_public_subnets_alone_have_a_route_out(self, network: Template) -> None:
        tables = {
            id: name_tag(found["Properties"])
            for id, found in network["Resources"].items()
            if found["Type"] == "AWS::EC2::RouteTable"
        }
        routes = properties(network, "AWS::EC2::Route")
        assert sorted(tables[route["RouteTableId"]["Ref"]] for route in routes) == [
            "myVPC-002-rag-subnet-public1-ap-northeast-1a",
            "myVPC-002-rag-subnet-public2-ap-northeast-1c",
        ]
        assert {route["DestinationCidrBlock"] for route in routes} == {"0.0.0.0/0"}
        assert all("GatewayId" in route for route in routes)

    @pytest.mark.parametrize("absent", ["AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::EC2::EIP"])
    def test_nothing_that_costs_by_the_hour(self, templates: Of, absent: str) -> None:
        assert not properties(templates("dev")["Network"], absent)
        assert not properties(templates("prod")["Network"], absent)

    def test_security_group(self, templates: Of) -> None:
        group = one(templates("dev")["Database"], "AWS::EC2::SecurityGroup")
        assert group["GroupName"] == "st.chat.history.rds"
        [ingress] = group["SecurityGroupIngress"]
        assert (ingress["IpProtocol"], ingress["FromPort"], ingress["ToPort"]) == ("tcp", 5432, 5432)
        assert ingress["CidrIp"] == "10.0.0.0/16"
        [egress] = group["SecurityGroupEgress"]
        assert (egress["IpProtocol"], egress["CidrIp"]) == ("-1", "0.0.0.0/0")

    def test_prod_admits_the_application_alone(self, templates: Of) -> None:
        database = templates("prod")["Database"]
        ids = {
            found["Properties"]["GroupName"]: id
            for id, found in database["Resources"].items()
            if found["Type"] == "AWS::EC2::SecurityGroup"
        }
        assert set(ids) == {"st.chat.history.rds.prod", "st.chat.history.rds.prod.app"}
        assert not any("SecurityGroupIngress" in group for group in properties(database, "AWS::EC2::SecurityGroup"))
        rule = one(database, "AWS::EC2::SecurityGroupIngress")
        assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)
        assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [ids["st.chat.history.rds.prod.app"], "GroupId"]}
        assert rule["GroupId"] == {"Fn::GetAtt": [ids["st.chat.history.rds.prod"], "GroupId"]}


class TestCredentials:
    def test_master_secret(self, templates: Of) -> None:
        secrets = {s["Name"]: s for s in properties(templates("dev")["Database"], "AWS::SecretsManager::Secret")}
        assert set(secrets) == {"st.chat", "st.chat.app", "st.chat.read"}
        generated = secrets["st.chat"]["GenerateSecretString"]
        assert json.loads(generated["SecretStringTemplate"]) == {"username": "stchat"}
        assert generated["GenerateStringKey"] == "password"
        assert generated["PasswordLength"] == 30
        assert "KmsKeyId" not in secrets["st.chat"]  # aws/secretsmanager

    def test_every_secret_is_attached_to_the_cluster(self, templates: Of) -> None:
        database = templates("dev")["Database"]
        attached = properties(database, "AWS::SecretsManager::SecretTargetAttachment")
        assert {one_["TargetType"] for one_ in attached} == {"AWS::RDS::DBCluster"}
        secrets = {id for id, r in database["Resources"].items() if r["Type"] == "AWS::SecretsManager::Secret"}
        assert {one_["SecretId"]["Ref"] for one_ in attached} == secrets

    def test_rotation_is_off_in_dev_and_monthly_in_prod(self, templates: Of) -> None:
        assert set(templates("dev")) == {"Network", "Database", "Schema", "Chat"}
        assert not properties(templates("dev")["Database"], "AWS::SecretsManager::RotationSchedule")
        schedules = properties(templates("prod")["Rotation"], "AWS::SecretsManager::RotationSchedule")
        assert [schedule["RotationRules"] for schedule in schedules] == [{"ScheduleExpression": "rate(30 days)"}] * 3

    def test_only_what_needs_it_may_read_the_master_secret(self, templates: Of) -> None:
        expected = {
            "dev": {"SchemaRunnerRoleDefaultPolicyA44B8816"},
            "prod": {"SchemaRunnerRoleDefaultPolicyA44B8816", "RotationRotatorRoleDefaultPolicyB5833C7F"},
        }
        for stage, policies_that_may in expected.items():
            readers = {
                id
                for template in templates(stage).values()
                for id, found in template["Resources"].items()
                if found["Type"] == "AWS::IAM::Policy"
                for statement in found["Properties"]["PolicyDocument"]["Statement"]
                if "secretsmanager:GetSecretValue" in statement["Action"] and "MasterSecret" in json.dumps(statement)
            }
            assert readers == policies_that_may
            for template in templates(stage).values():
                assert not properties(template, "AWS::SecretsManager::ResourcePolicy")

    def test_no_password_is_in_any_template(self, templates: Of) -> None:
        for stage in ("dev", "prod"):
            cluster = one(templates(stage)["Database"], "AWS::RDS::DBCluster")
            parts = cluster["MasterUserPassword"]["Fn::Join"][1]
            assert parts[0] == "{{resolve:secretsmanager:"
            assert parts[2] == ":SecretString:password::}}"
