"""Every row of the baseline configuration, asserted on the templates of `dev`, and what `prod` changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from app import build
from stacks.config import dev, prod
from tests.support.templates import one, properties, synthesize

DEV = dev()
PROD = prod()

Template = dict[str, Any]
Of = Callable[[str], dict[str, Template]]


def policies(template: Template, resource_type: str) -> set[str]:
    return {found["DeletionPolicy"] for found in template["Resources"].values() if found["Type"] == resource_type}


def name_tag(resource: dict[str, Any]) -> str:
    return next(str(tag["Value"]) for tag in resource["Tags"] if tag["Key"] == "Name")


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


class TestDatabase:
    @pytest.fixture
    def database(self, templates: Of) -> Template:
        return templates("dev")["Database"]

    @pytest.fixture
    def cluster(self, database: Template) -> dict[str, Any]:
        return one(database, "AWS::RDS::DBCluster")

    def test_subnet_group(self, database: Template, templates: Of) -> None:
        group = one(database, "AWS::RDS::DBSubnetGroup")
        assert group["DBSubnetGroupName"] == "st-chat-subnet-group"
        assert group["DBSubnetGroupDescription"] == "Private subnets for the chat history and chat memory database"
        exports = {
            output["Export"]["Name"]: output["Value"]["Ref"]
            for output in templates("dev")["Network"]["Outputs"].values()
            if "Export" in output
        }
        subnets = [exports[subnet["Fn::ImportValue"]] for subnet in group["SubnetIds"]]
        assert [name_tag(templates("dev")["Network"]["Resources"][id]["Properties"]) for id in subnets] == [
            "myVPC-002-rag-subnet-private1-ap-northeast-1a",
            "myVPC-002-rag-subnet-private2-ap-northeast-1c",
        ]

    def test_engine(self, cluster: dict[str, Any]) -> None:
        assert (cluster["Engine"], cluster["EngineVersion"]) == ("aurora-postgresql", "16.13")
        assert "StorageType" not in cluster  # standard

    def test_identifier(self, cluster: dict[str, Any]) -> None:
        assert cluster["DBClusterIdentifier"] == "dbclusterstchat"

    def test_capacity(self, cluster: dict[str, Any]) -> None:
        assert cluster["ServerlessV2ScalingConfiguration"] == {
            "MinCapacity": 0,
            "MaxCapacity": 64,
            "SecondsUntilAutoPause": 1800,
        }

    def test_instances(self, database: Template) -> None:
        instances = properties(database, "AWS::RDS::DBInstance")
        assert [(i["DBInstanceClass"], i["AvailabilityZone"], i["PromotionTier"]) for i in instances] == [
            ("db.serverless", "ap-northeast-1a", 0),
            ("db.serverless", "ap-northeast-1c", 1),
        ]
        assert {i["PubliclyAccessible"] for i in instances} == {False}
        assert {i["CACertificateIdentifier"] for i in instances} == {"rds-ca-rsa4096-g1"}
        assert {i["AutoMinorVersionUpgrade"] for i in instances} == {False}

    def test_no_proxy_by_default(self, database: Template) -> None:
        assert not properties(database, "AWS::RDS::DBProxy")

    def test_authentication_monitoring_data_api_encryption(self, cluster: dict[str, Any]) -> None:
        assert cluster["EnableIAMDatabaseAuthentication"] is True
        assert cluster["DatabaseInsightsMode"] == "standard"
        assert cluster["EnableHttpEndpoint"] is True
        assert cluster["StorageEncrypted"] is True

    def test_backups(self, templates: Of) -> None:
        assert one(templates("dev")["Database"], "AWS::RDS::DBCluster")["BackupRetentionPeriod"] == 7
        assert one(templates("prod")["Database"], "AWS::RDS::DBCluster")["BackupRetentionPeriod"] == 35

    def test_no_custom_parameter_group(self, database: Template, cluster: dict[str, Any]) -> None:
        assert not properties(database, "AWS::RDS::DBClusterParameterGroup")
        assert cluster["DBClusterParameterGroupName"] == "default.aurora-postgresql16"


class TestKeepingData:
    def test_dev_leaves_a_final_snapshot(self, templates: Of) -> None:
        database = templates("dev")["Database"]
        assert policies(database, "AWS::RDS::DBCluster") == {"Snapshot"}
        assert one(database, "AWS::RDS::DBCluster")["DeletionProtection"] is False

    def test_prod_keeps_cluster_and_secrets(self, templates: Of) -> None:
        database = templates("prod")["Database"]
        assert one(database, "AWS::RDS::DBCluster")["DeletionProtection"] is True
        for kept in ("AWS::RDS::DBCluster", "AWS::SecretsManager::Secret", "AWS::RDS::DBSubnetGroup"):
            assert policies(database, kept) == {"RetainExceptOnCreate"}

    def test_prod_has_a_key_of_its_own_for_what_holds_rows(self, templates: Of) -> None:
        database = templates("prod")["Database"]
        [key] = [id for id, found in database["Resources"].items() if found["Type"] == "AWS::KMS::Key"]
        assert one(database, "AWS::KMS::Key")["EnableKeyRotation"] is True
        assert policies(database, "AWS::KMS::Key") == {"RetainExceptOnCreate"}
        arn = {"Fn::GetAtt": [key, "Arn"]}
        assert one(database, "AWS::RDS::DBCluster")["KmsKeyId"] == arn
        assert one(database, "AWS::Logs::LogGroup")["KmsKeyId"] == arn
        for secret in properties(database, "AWS::SecretsManager::Secret"):
            assert "KmsKeyId" not in secret
        assert not properties(templates("dev")["Database"], "AWS::KMS::Key")
        assert "KmsKeyId" not in one(templates("dev")["Database"], "AWS::RDS::DBCluster")

    def test_prod_is_protected(self, templates: Of) -> None:
        app = App(context=json.loads(Path("cdk.json").read_text())["context"])
        build(app, PROD)
        stacks = [found for found in app.node.find_all() if isinstance(found, Stack)]
        assert len(stacks) == len(templates("prod"))
        assert all(stack.termination_protection for stack in stacks)

    def test_prod_keeps_flow_logs(self, templates: Of) -> None:
        assert one(templates("prod")["Network"], "AWS::EC2::FlowLog")["TrafficType"] == "ALL"
        assert not properties(templates("dev")["Network"], "AWS::EC2::FlowLog")


class TestSchema:
    def test_every_file_of_sql_is_deployed_by_name_and_in_order(self, templates: Of) -> None:
        files = [str(path.relative_to("sql")) for path in sorted(Path("sql").glob("*/*.sql"))]
        deployed = one(templates("dev")["Schema"], "Custom::DataApiSchema")["Migrations"]
        assert list(deployed) == files

    def test_the_index_over_everyone_stays_unless_it_is_turned_off(self, templates: Of) -> None:
        deployed = one(templates("dev")["Schema"], "Custom::DataApiSchema")
        assert deployed["GlobalHnswIndex"] == {"st_chat_db": "true"}
        off = synthesize(replace(DEV, global_hnsw_index=False))["Schema"]
        assert one(off, "Custom::DataApiSchema")["GlobalHnswIndex"] == {"st_chat_db": "false"}

    def test_functions_are_outside_the_vpc(self, templates: Of) -> None:
        for stage in ("dev", "prod"):
            for function in properties(templates(stage)["Schema"], "AWS::Lambda::Function"):
                assert "VpcConfig" not in function

    def test_functions_run_on_arm_with_json_logs(self, templates: Of) -> None:
        ours = [
            function
            for function in properties(templates("dev")["Schema"], "AWS::Lambda::Function")
            if function["Handler"].startswith("stchat.")
        ]
        assert {function["Handler"] for function in ours} == {
            "stchat.handlers.schema.on_event",
            "stchat.handlers.schema.is_complete",
        }
        for function in ours:
            assert (function["Architectures"], function["LoggingConfig"]["LogFormat"]) == (["arm64"], "JSON")

    @pytest.mark.parametrize(
        ("role", "actions"),
        [
            ("SchemaOnEventRole", {"logs:CreateLogStream", "logs:PutLogEvents"}),
            (
                "SchemaRunnerRole",
                {
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "rds-data:BatchExecuteStatement",
                    "rds-data:BeginTransaction",
                    "rds-data:CommitTransaction",
                    "rds-data:ExecuteStatement",
                    "rds-data:RollbackTransaction",
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                },
            ),
        ],
    )
    def test_exact_actions_of_each_role(self, templates: Of, role: str, actions: set[str]) -> None:
        statements = [
            statement
            for policy in properties(templates("dev")["Schema"], "AWS::IAM::Policy")
            if policy["PolicyName"].startswith(role)
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert {action for statement in statements for action in statement["Action"]} == actions
        assert all(statement["Effect"] == "Allow" and statement["Resource"] != "*" for statement in statements)


def test_outputs(templates: Of) -> None:
    outputs = {name for template in templates("dev").values() for name in template.get("Outputs", {})}
    assert {name for name in outputs if not name.startswith("Exports")} == {
        "ClusterArn",
        "SecretArn",
        "AppSecretArn",
        "ReadSecretArn",
        "DatabaseName",
        "WriterEndpoint",
        "SecurityGroupId",
        "ChatFunctionName",
        "ChatFunctionUrl",
    }
