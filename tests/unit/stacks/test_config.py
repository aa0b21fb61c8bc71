"""Every wrong setting is refused with the field, the value and the hint, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from stacks.checks import SettingsError
from stacks.config import DEV, PROD, load


def minutes(count: float) -> Duration:
    return Duration.minutes(count)


R8G = ec2.InstanceType("r8g.large")

WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"master_username": "admin"},
        "master_username must not be reserved by PostgreSQL or RDS, got admin:"
        " admin, rdsadmin and pg_... are; choose another, like stchat",
    ),
    (
        {"master_username": "rdsadmin"},
        "master_username must not be reserved by PostgreSQL or RDS, got rdsadmin:"
        " admin, rdsadmin and pg_... are; choose another, like stchat",
    ),
    (
        {"master_username": "pg_chat"},
        "master_username must not be reserved by PostgreSQL or RDS, got pg_chat:"
        " admin, rdsadmin and pg_... are; choose another, like stchat",
    ),
    (
        {"master_username": "St Chat"},
        "master_username must be a lower-case letter, then up to 15 letters, digits or _, got St Chat",
    ),
    (
        {"engine_version": "16.4"},
        "engine_version must be one that AWS still creates, got 16.4, which it has retired:"
        " take 16.13, or the LTS 16.8",
    ),
    (
        {"engine_version": "16.6"},
        "engine_version must be one that AWS still creates, got 16.6, which it has retired:"
        " take 16.13, or the LTS 16.8",
    ),
    (
        {"engine_version": "17.4"},
        "engine_version must be one of 16.3, 16.8, 16.9, 16.10, 16.11, 16.13, got 17.4:"
        " a newer minor is added in stacks/checks.py",
    ),
    (
        {"auto_pause_after": minutes(4)},
        "auto_pause_after must be 300 to 86400 s, got 240: Aurora allows no other interval",
    ),
    (
        {"auto_pause_after": minutes(1441)},
        "auto_pause_after must be 300 to 86400 s, got 86460: Aurora allows no other interval",
    ),
    (
        {"auto_pause_after": None},
        "auto_pause_after must be set when min_acu is 0, got None: take 1800 s, or min_acu=0.5 to stay awake",
    ),
    (
        {"min_acu": 2},
        "auto_pause_after must be None when min_acu is above 0, got 1800 s with 2 ACU:"
        " a cluster pauses at 0 ACU alone; set min_acu=0 or auto_pause_after=None",
    ),
    ({"min_acu": 8, "max_acu": 4, "auto_pause_after": None}, "max_acu must be at least min_acu, got 4 < 8"),
    (
        {"min_acu": 0.3, "auto_pause_after": None},
        "min_acu must be in steps of 0.5 ACU, got 0.3: take 0",
    ),
    ({"max_acu": 1.75}, "max_acu must be in steps of 0.5 ACU, got 1.75: take 1.5"),
    ({"max_acu": 0.5}, "max_acu must be 1 to 256 ACU, got 0.5"),
    ({"max_acu": 300}, "max_acu must be 1 to 256 ACU, got 300"),
    (
        {"rds_proxy": True},
        "rds_proxy must be False when the cluster may pause, got True with auto_pause_after=1800 s:"
        " its open connections keep the cluster awake; set rds_proxy=False, or min_acu=0.5 and auto_pause_after=None",
    ),
    ({"readers": 16}, "readers must be 0 to 15, got 16"),
    (
        {"reader_promotion_tier": 16},
        "reader_promotion_tier must be 0 to 15, got 16: take 1, which scales with the writer",
    ),
    (
        {"writer_instance_type": R8G},
        "auto_pause_after must be None with writer_instance_type, got 1800 s: an provisioned instance keeps the whole"
        " cluster awake; set auto_pause_after=None",
    ),
    (
        {"reader_instance_type": R8G},
        "auto_pause_after must be None with reader_instance_type, got 1800 s: an provisioned instance keeps the whole"
        " cluster awake; set auto_pause_after=None",
    ),
    (
        {"writer_instance_type": R8G, "auto_pause_after": None},
        "min_acu must be at least 0.5 beside provisioned instances, got 0 with writer_instance_type:"
        " they keep the cluster awake; set min_acu=0.5, or the same kind for writer and readers",
    ),
    (
        {"reader_instance_type": R8G, "auto_pause_after": None},
        "min_acu must be at least 0.5 beside provisioned instances, got 0 with reader_instance_type:"
        " they keep the cluster awake; set min_acu=0.5, or the same kind for writer and readers",
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
        {"vpc_cidr": "10.0.0.0/8"},
        "vpc_cidr must be between /16 and /28, got 10.0.0.0/8: AWS allows no other sizes",
    ),
    (
        {"vpc_cidr": "10.0.0.1/16"},
        "vpc_cidr must be IPv4 ranges like 10.0.0.0/20, got 10.0.0.1/16: 10.0.0.1/16 has host bits set",
    ),
    (
        {"private_subnet_cidrs": ("10.0.16.0/20", "10.0.144.0/20")},
        "private_subnet_cidrs must not overlap other subnets, got 10.0.16.0/20 over 10.0.16.0/20: choose a free range",
    ),
    (
        {"public_subnet_cidrs": ("10.0.0.0/20", "10.0.8.0/21")},
        "public_subnet_cidrs must not overlap other subnets, got 10.0.8.0/21 over 10.0.0.0/20: choose a free range",
    ),
    (
        {"private_subnet_cidrs": ("10.0.128.0/29", "10.0.144.0/20")},
        "private_subnet_cidrs must be between /16 and /28, got 10.0.128.0/29: AWS allows no other sizes",
    ),
    (
        {"private_subnet_cidrs": ("10.1.0.0/20", "10.0.144.0/20")},
        "private_subnet_cidrs must lie within vpc_cidr 10.0.0.0/16, got 10.1.0.0/20:"
        " choose a range inside, or a larger VPC",
    ),
    (
        {"private_subnet_cidrs": ("10.0.128.0/20",)},
        "private_subnet_cidrs must have one range for each of 2 zones, got 10.0.128.0/20",
    ),
    (
        {"region": "us-east-1"},
        "availability_zones must lie in the region deployed to, got ap-northeast-1a, ap-northeast-1c for us-east-1:"
        " set AWS_REGION=ap-northeast-1, or name zones of us-east-1 in stacks/config.py",
    ),
    (
        {"availability_zones": ("ap-northeast-1a", "ap-northeast-1a")},
        "availability_zones must be 2 or more different zones, got ap-northeast-1a, ap-northeast-1a",
    ),
    (
        {"database_name": "st.chat-db"},
        "database_name must be lower-case letters, digits and _ (63 at most, no . or -), got st.chat-db:"
        " it would need quotes in every SQL statement",
    ),
    (
        {"database_name": "other_db"},
        "database_name must be a database of sql/, got other_db:"
        " make sql/other_db/0001_<what>.sql, and CREATE DATABASE it in sql/postgres/",
    ),
    (
        {"cluster_identifier": "st.chat"},
        "cluster_identifier must be lower-case letters, digits and single hyphens (63 at most), got st.chat",
    ),
    (
        {"master_secret_name": "st chat"},
        "master_secret_name must be letters, digits and /_+=.@- only, got st chat",
    ),
    (
        {"master_secret_name": "st-chat01"},
        "master_secret_name must not end in a hyphen and six characters"
        " (Secrets Manager adds such a suffix to ARNs), got st-chat01",
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
]


@pytest.mark.parametrize(("change", "problem"), WRONG, ids=[str(sorted(change)) for change, _ in WRONG])
def test_wrong_setting_is_refused_with_the_way_out(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        replace(DEV, **change)
    assert str(error.value).splitlines() == [f"dev: {problem}"]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        replace(DEV, engine_version="16.4", master_username="admin")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"min_acu": 0.5, "auto_pause_after": None},
        {"min_acu": 0.5, "auto_pause_after": None, "rds_proxy": True},
        {"auto_pause_after": minutes(5)},
        {"auto_pause_after": Duration.hours(24)},
        {"max_acu": 256},
        {"writer_instance_type": R8G, "reader_instance_type": R8G, "auto_pause_after": None},
        {"writer_instance_type": R8G, "readers": 0, "auto_pause_after": None},
        {"writer_instance_type": R8G, "min_acu": 0.5, "auto_pause_after": None},
        {"reader_instance_type": R8G, "min_acu": 0.5, "auto_pause_after": None},
        {"reader_instance_type": R8G, "min_acu": 0.5, "auto_pause_after": None, "rds_proxy": True},
        {"readers": 15, "reader_promotion_tier": 15},
        {"engine_version": "16.8"},
        {"region": "us-east-1", "availability_zones": ("us-east-1a", "us-east-1b")},
        {
            "availability_zones": ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"),
            "public_subnet_cidrs": ("10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"),
            "private_subnet_cidrs": ("10.0.128.0/20", "10.0.144.0/20", "10.0.160.0/20"),
        },
    ],
    ids=", ".join,
)
def test_what_aws_takes_is_taken(change: dict[str, Any]) -> None:
    replace(DEV, **change)


def test_stage_is_chosen_by_name() -> None:
    assert load("dev", region=None, account=None) == DEV
    assert load("prod", region="ap-northeast-1", account="1" * 12) == replace(PROD, account="1" * 12)


def test_unknown_stage_names_the_ones_there_are() -> None:
    with pytest.raises(SettingsError) as error:
        load("staging", region=None, account=None)
    assert str(error.value) == "stage must be one of dev, prod, got 'staging': cdk synth -c stage=dev"


def test_zones_of_another_region_are_refused_when_the_cli_deploys_there() -> None:
    with pytest.raises(SettingsError, match="set AWS_REGION=ap-northeast-1"):
        load("dev", region="us-east-1", account=None)
