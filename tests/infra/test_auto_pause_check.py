"""Synth stops when anything in any stack blocks auto-pause; a stage without auto-pause may have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_rds as rds

from app import build
from constructs_lib.auto_pause_check import HINT, blocks_auto_pause
from stacks.config import dev

DEV = dev()

Of = Callable[[str], dict[str, dict[str, Any]]]
CLUSTER = {"Fn::ImportValue": "database:cluster"}
ARN = "arn:aws:rds:ap-northeast-1:000000000000:cluster:dbclusterstchat"

ADDED = [
    ("AWS::RDS::DBProxyTargetGroup", {"DBClusterIdentifiers": [CLUSTER]}, "an RDS Proxy keeps connections open"),
    (
        "AWS::RDS::DBInstance",
        {"DBClusterIdentifier": CLUSTER, "DBInstanceClass": "db.r8g.large"},
        "one provisioned instance blocks the auto-pause of the whole cluster",
    ),
    ("AWS::RDS::GlobalCluster", {"SourceDBClusterIdentifier": ARN}, "a global database replicates all the time"),
    (
        "AWS::RDS::Integration",
        {"SourceArn": {"Fn::Sub": "arn:aws:rds:ap-northeast-1:000000000000:cluster:dbclusterstchat"}},
        "a zero-ETL integration replicates all the time",
    ),
]


def cluster(**changed: Any) -> dict[str, Any]:
    properties = {
        "DBClusterIdentifier": "dbclusterstchat",
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 64, "SecondsUntilAutoPause": 1800},
    }
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": properties | changed},
            "Replicating": {
                "Type": "AWS::RDS::DBClusterParameterGroup",
                "Properties": {"Parameters": {"rds.logical_replication": 1}},
            },
        },
        "Outputs": {"Cluster": {"Value": {"Ref": "Cluster"}, "Export": {"Name": "database:cluster"}}},
    }


@pytest.mark.parametrize(("kind", "properties", "why"), ADDED, ids=[kind for kind, _, _ in ADDED])
def test_a_resource_in_another_stack_is_found(kind: str, properties: dict[str, Any], why: str) -> None:
    other = {"Resources": {"Added": {"Type": kind, "Properties": properties}}}
    assert list(blocks_auto_pause([cluster(), other])) == [
        ((1, "Added"), f"dbclusterstchat is to pause at 0 ACU, but {why}: {HINT}")
    ]
    running = cluster(ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 64})
    assert list(blocks_auto_pause([running, other])) == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"DBClusterParameterGroupName": {"Ref": "Replicating"}},
            "rds.logical_replication=1 in its parameter group Replicating keeps connections open",
        ),
        ({"GlobalClusterIdentifier": "world"}, "a global database replicates all the time"),
        (
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "SecondsUntilAutoPause": 299}},
            "SecondsUntilAutoPause must be 300 to 86400, got 299",
        ),
    ],
    ids=["logical replication", "global database", "interval"],
)
def test_the_clusters_own_properties_are_read(changed: dict[str, Any], why: str) -> None:
    assert list(blocks_auto_pause([cluster(**changed)])) == [
        ((0, "Cluster"), f"dbclusterstchat is to pause at 0 ACU, but {why}: {HINT}")
    ]


@pytest.mark.parametrize(
    "reference",
    [
        {"Ref": "Cluster"},
        {"Fn::GetAtt": ["Cluster", "DBClusterArn"]},
        {"Fn::GetAtt": "Cluster.DBClusterArn"},
        {"Fn::Sub": "arn:${AWS::Partition}:rds:x:y:cluster:${Cluster}"},
        {"Fn::Sub": ["arn:rds:${Named}", {"Named": {"Ref": "Cluster"}}]},
        {"Fn::Join": ["", ["arn:rds:", {"Ref": "Cluster"}]]},
    ],
    ids=str,
)
def test_however_the_cluster_is_referred_to(reference: dict[str, Any]) -> None:
    template = cluster()
    template["Resources"]["Added"] = {"Type": "AWS::RDS::Integration", "Properties": {"SourceArn": reference}}
    assert [place for place, _ in blocks_auto_pause([template])] == [(0, "Added")]


def test_an_interval_that_is_a_parameter_is_not_judged() -> None:
    scaling = {"MinCapacity": 0, "SecondsUntilAutoPause": {"Ref": "Interval"}}
    assert list(blocks_auto_pause([cluster(ServerlessV2ScalingConfiguration=scaling)])) == []


def test_what_another_cluster_has_is_its_own_affair() -> None:
    others = {
        "Added": {"Type": "AWS::RDS::GlobalCluster", "Properties": {"SourceDBClusterIdentifier": ARN + "2"}},
        "Proxy": {"Type": "AWS::RDS::DBProxyTargetGroup", "Properties": {"DBClusterIdentifiers": ["another"]}},
        "Reader": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {"DBClusterIdentifier": CLUSTER, "DBInstanceClass": "db.serverless"},
        },
    }
    assert list(blocks_auto_pause([cluster(), {"Resources": others}])) == []


def test_every_stage_sleeps(templates: Of) -> None:
    for stage in ("dev", "prod"):
        assert list(blocks_auto_pause(list(templates(stage).values()))) == []


def test_a_stack_that_is_added_stops_synth() -> None:
    app = App(context=json.loads(Path("cdk.json").read_text())["context"])
    build(app, DEV)
    rds.CfnGlobalCluster(Stack(app, "Added"), "World", source_db_cluster_identifier="dbclusterstchat")
    with pytest.raises(RuntimeError) as error:
        app.synth()
    why = "dbclusterstchat is to pause at 0 ACU, but a global database replicates all the time"
    assert f"ERROR {why}: {HINT} (AutoPauseCheck)\n   Added/World" in str(error.value)
