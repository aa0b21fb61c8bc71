"""The cluster of the baseline configuration, on the templates of `dev`, and what `prod` changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from app import build
from stacks.config import dev, prod
from tests.support.templates import name_tag, one, properties

DEV = dev()
PROD = prod()

Template = dict[str, Any]
Of = Callable[[str], dict[str, Template]]


def policies(template: Template, resource_type: str) -> set[str]:
    return {found["DeletionPolicy"] for found in template["Resources"].values() if found["Type"] == resource_type}


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
