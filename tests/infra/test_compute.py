"""Every way to have instances: what is deployed, and that the policy checks and cfn-lint accept it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from cfnlint import lint
from cfnlint.config import ManualArgs

from stacks.config import Settings, dev, prod
from tests.support.templates import EXPLAINED, one, properties, synthesize

DEV = dev()
PROD = prod()

R8G = ec2.InstanceType("r8g.large")
SNAPSHOT = "arn:aws:rds:ap-northeast-1:000000000000:cluster-snapshot:st-chat"
ALWAYS_ON = replace(DEV, writer_instance_type=R8G, reader_instance_type=R8G, auto_pause_after=None)
AWAKE = {"MinCapacity": 0.5, "MaxCapacity": 64}
Instances = list[tuple[str, int, str]]


@pytest.mark.parametrize(
    ("settings", "instances", "scaling"),
    [
        (ALWAYS_ON, [("db.r8g.large", 0, "a"), ("db.r8g.large", 1, "c")], None),
        (
            replace(
                DEV, writer_instance_type=R8G, min_acu=0.5, auto_pause_after=None, readers=2, reader_promotion_tier=15
            ),
            [("db.r8g.large", 0, "a"), ("db.serverless", 15, "c"), ("db.serverless", 15, "a")],
            AWAKE,
        ),
        (
            replace(DEV, reader_instance_type=R8G, min_acu=0.5, auto_pause_after=None, reader_promotion_tier=0),
            [("db.serverless", 0, "a"), ("db.r8g.large", 0, "c")],
            AWAKE,
        ),
        (
            replace(DEV, min_acu=0.5, auto_pause_after=None, rds_proxy=True, readers=0),
            [("db.serverless", 0, "a")],
            AWAKE,
        ),
        (
            replace(PROD, snapshot_identifier=SNAPSHOT, backup_retention=Duration.days(14)),
            [("db.serverless", 0, "a"), ("db.serverless", 1, "c")],
            {"MinCapacity": 0, "MaxCapacity": 64, "SecondsUntilAutoPause": 1800},
        ),
    ],
    ids=["provisioned", "serverless-readers", "provisioned-reader", "proxy", "restored"],
)
def test_compute(
    settings: Settings, instances: Instances, scaling: dict[str, Any] | None, capfd: pytest.CaptureFixture[str]
) -> None:
    database = synthesize(settings)["Database"]
    assert [
        (found["DBInstanceClass"], found["PromotionTier"], found["AvailabilityZone"][-1])
        for found in properties(database, "AWS::RDS::DBInstance")
    ] == instances
    cluster = one(database, "AWS::RDS::DBCluster")
    assert cluster.get("ServerlessV2ScalingConfiguration") == scaling
    assert len(properties(database, "AWS::RDS::DBProxy")) == settings.rds_proxy
    assert cluster.get("SnapshotIdentifier") == settings.snapshot_identifier
    assert ("MasterUsername" in cluster) == (settings.snapshot_identifier is None)

    # The CDK may tell what a failover would find (its messages come late, if at all); there is no other.
    warned = [line for line in capfd.readouterr().err.splitlines() if line.startswith(("WARNING", "ERROR"))]
    assert all("promotion tiers >= 2 will NOT scale with the writer" in line for line in warned), warned
    # E3021: a restored cluster takes its master user from the snapshot, and its password from the secret.
    ignored = [*EXPLAINED, *(["E3021"] if settings.snapshot_identifier else [])]
    found = lint(json.dumps(database), config=ManualArgs(regions=["ap-northeast-1"], ignore_checks=ignored))
    assert [f"{match.rule.id} {match.message}" for match in found] == []
