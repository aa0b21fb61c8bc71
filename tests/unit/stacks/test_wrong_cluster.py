"""A cluster, periods, alarms and functions that AWS does not take are refused, word for word."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from tests.support.refusals import refusals

R8G = ec2.InstanceType("r8g.large")

WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"engine_version": "16.4"},
        "engine_version must be one that AWS creates (16.8, 16.9, 16.10, 16.11, 16.13, 16.14, 16.15), got 16.4:"
        " take 16.13, or the LTS 16.8",
    ),
    (
        {"engine_version": "16.6"},
        "engine_version must be one that AWS creates (16.8, 16.9, 16.10, 16.11, 16.13, 16.14, 16.15), got 16.6:"
        " take 16.13, or the LTS 16.8",
    ),
    (
        {"engine_version": "17.4"},
        "engine_version must be Aurora PostgreSQL 16, on which the SQL is tested, got 17.4:"
        " take 16.13, or the LTS 16.8",
    ),
    (
        {"auto_pause_after": Duration.minutes(4)},
        "auto_pause_after must be 300 to 86400 whole seconds, got 240: Aurora allows no other interval",
    ),
    (
        {"auto_pause_after": Duration.minutes(1441)},
        "auto_pause_after must be 300 to 86400 whole seconds, got 86460: Aurora allows no other interval",
    ),
    (
        {"auto_pause_after": None},
        "auto_pause_after must be set when min_acu is 0, got None: take 1800 s, or min_acu=0.5 for no pause",
    ),
    (
        {"min_acu": 2},
        "auto_pause_after must be None when min_acu is above 0, got 1800 s with 2 ACU:"
        " a cluster pauses at 0 ACU alone; set min_acu=0 or auto_pause_after=None",
    ),
    (
        {"min_acu": 8, "max_acu": 4, "auto_pause_after": None},
        "max_acu must be at least min_acu, got 4 < 8: set 8 or more",
    ),
    (
        {"min_acu": 0.3, "auto_pause_after": None},
        "min_acu must be in steps of 0.5 ACU, got 0.3: take 0",
    ),
    ({"max_acu": 1.75}, "max_acu must be in steps of 0.5 ACU, got 1.75: take 1.5"),
    ({"max_acu": 0.5}, "max_acu must be 1 to 256 ACU, got 0.5: Aurora allows no other"),
    ({"max_acu": 300}, "max_acu must be 1 to 256 ACU, got 300: Aurora allows no other"),
    (
        {"rds_proxy": True},
        "rds_proxy must be False when the cluster may pause, got True with auto_pause_after=1800 s:"
        " its open connections block auto-pause; set rds_proxy=False, or min_acu=0.5 and auto_pause_after=None",
    ),
    (
        {"readers": 16},
        "readers must be 0 to 15, got 16: a cluster has 15 at most; take 1 for failover, or 0",
    ),
    (
        {"reader_promotion_tier": 16},
        "reader_promotion_tier must be 0 to 15, got 16: take 1, which scales with the writer",
    ),
    (
        {"writer_instance_type": R8G},
        "auto_pause_after must be None with writer_instance_type, got 1800 s: a provisioned instance blocks the"
        " auto-pause of the whole cluster; set auto_pause_after=None",
    ),
    (
        {"reader_instance_type": R8G},
        "auto_pause_after must be None with reader_instance_type, got 1800 s: a provisioned instance blocks the"
        " auto-pause of the whole cluster; set auto_pause_after=None",
    ),
    (
        {"writer_instance_type": R8G, "auto_pause_after": None},
        "min_acu must be at least 0.5 beside provisioned instances, got 0 with writer_instance_type:"
        " they block auto-pause; set min_acu=0.5, or the same kind for writer and readers",
    ),
    (
        {"reader_instance_type": R8G, "auto_pause_after": None},
        "min_acu must be at least 0.5 beside provisioned instances, got 0 with reader_instance_type:"
        " they block auto-pause; set min_acu=0.5, or the same kind for writer and readers",
    ),
    (
        {"reader_instance_type": R8G, "readers": 0, "min_acu": 0.5, "auto_pause_after": None},
        "reader_instance_type must be None without readers, got r8g.large:"
        " set readers=1, or writer_instance_type if the writer was meant",
    ),
    (
        {"writer_instance_type": ec2.InstanceType("t4g.medium"), "readers": 0, "auto_pause_after": None},
        "writer_instance_type must be a memory-optimised r class (r5, r6g, r6i, r7g, r7i, r8g), got t4g.medium:"
        " take one like r8g.large, or None for Serverless v2",
    ),
    (
        {"reader_instance_type": ec2.InstanceType("r4.large"), "min_acu": 1, "auto_pause_after": None},
        "reader_instance_type must be a memory-optimised r class (r5, r6g, r6i, r7g, r7i, r8g), got r4.large:"
        " take one like r8g.large, or None for Serverless v2",
    ),
    (
        {"backup_retention": Duration.days(36)},
        "backup_retention must be 1 to 35 whole days, got 36: Aurora allows no other period",
    ),
    (
        {"alarm_connections": 0},
        "alarm_connections must be 1 or more, got 0: it would ring all the time; set alarms=False for none",
    ),
    (
        {"alarm_storage_gib": -1},
        "alarm_storage_gib must be 1 or more, got -1: it would ring all the time; set alarms=False for none",
    ),
    (
        {"rotate_secrets_every": Duration.hours(1)},
        "rotate_secrets_every must be 1 to 1000 days, got 0.0416667: Secrets Manager allows no other",
    ),
    (
        {"alarm_connections": 2001},
        "alarm_connections must be at most 2000 with min_acu=0, got 2001:"
        " Aurora allows no more connections, so the alarm would never ring",
    ),
    (
        {"auto_pause_after": Duration.millis(300_500)},
        "auto_pause_after must be 300 to 86400 whole seconds, got 300.5: Aurora allows no other interval",
    ),
    (
        {"rotate_secrets_every": Duration.minutes(1470)},
        "rotate_secrets_every must be whole hours, got 24.5: Secrets Manager takes no minutes",
    ),
    (
        {"writer_instance_type": ec2.InstanceType("r6g.24xlarge"), "readers": 0, "auto_pause_after": None},
        "writer_instance_type must have a size of r6g (large, xlarge, 2xlarge, 4xlarge, 8xlarge, 12xlarge, 16xlarge),"
        " got r6g.24xlarge: take one like r6g.large",
    ),
    (
        {
            "compliance_packs": True,
            "kms_key": True,
            "log_export": True,
            "protect_data": True,
            "rotate_secrets_every": Duration.days(30),
        },
        "flow_logs must be True with compliance_packs, got False: set flow_logs=True or compliance_packs=False",
    ),
]


@pytest.mark.parametrize(("change", "problem"), WRONG, ids=[str(sorted(change)) for change, _ in WRONG])
def test_it_is_refused_with_a_hint(change: dict[str, Any], problem: str) -> None:
    assert refusals(change) == [problem]
