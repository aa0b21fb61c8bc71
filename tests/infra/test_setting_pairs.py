"""Every pair of settings that are not the default is refused with field, value and hint, or synthesizes with its packs.

Synth is slow, so what adds or removes resources is synthesized by rows that cover all pairs of values (an all-pairs
array): a pair that fails alone fails the row that has it.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from stacks.config import STAGES, Settings
from stchat.errors import SettingsError
from tests.support.templates import synthesize

R8G = ec2.InstanceType("r8g.large")
SNAPSHOT = "arn:aws:rds:ap-northeast-1:000000000000:cluster-snapshot:st-chat"
THREE = {
    "availability_zones": ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"),
    "public_subnet_cidrs": ("10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"),
    "private_subnet_cidrs": ("10.0.128.0/20", "10.0.144.0/20", "10.0.160.0/20"),
}
AWAKE = {"min_acu": 0.5, "auto_pause_after": None}
Change = dict[str, Any]

# What changes which resources there are, as a setting and what it needs with it.
STRUCTURAL: dict[str, Change] = {
    "three zones": THREE,
    "application group": {"application_security_group_only": True},
    "whole VPC": {"application_security_group_only": False},
    "flow logs": {"flow_logs": True},
    "no flow logs": {"flow_logs": False, "compliance_packs": False},
    "rotation": {"rotate_secrets_every": Duration.days(7)},
    "no rotation": {"rotate_secrets_every": None, "compliance_packs": False},
    "no index": {"global_hnsw_index": False},
    "awake": AWAKE,
    "no reader": {"readers": 0},
    "three readers": {"readers": 3, "reader_promotion_tier": 15},
    "provisioned writer": {"writer_instance_type": R8G, **AWAKE},
    "provisioned reader": {"reader_instance_type": R8G, **AWAKE},
    "restored": {"snapshot_identifier": SNAPSHOT},
    "proxy": {"rds_proxy": True, **AWAKE},
    "no IAM": {"iam_authentication": False, "compliance_packs": False},
    "advanced insights": {"insights_mode": rds.DatabaseInsightsMode.ADVANCED},
    "other CA": {"ca_certificate": rds.CaCertificate.RDS_CA_RSA2048_G1},
    "short backups": {"backup_retention": Duration.days(1)},
    "key": {"kms_key": True},
    "no key": {"kms_key": False, "compliance_packs": False},
    "log": {"log_export": True},
    "no log": {"log_export": False, "compliance_packs": False},
    "protected": {"protect_data": True},
    "not protected": {"protect_data": False, "compliance_packs": False},
    "concurrency": {"chat_reserved_concurrency": 5},
    "alarms": {"alarms": True},
    "no alarms": {"alarms": False},
}
# The rest: names and numbers in the same resources.
OTHERS: dict[str, Change] = {
    "network_name": {"network_name": "other"},
    "vpc_cidr": {"vpc_cidr": "10.1.0.0/16"},
    "security_group_name": {"security_group_name": "other"},
    "master_username": {"master_username": "other"},
    "master_secret_name": {"master_secret_name": "other"},
    "subnet_group_name": {"subnet_group_name": "other"},
    "cluster_identifier": {"cluster_identifier": "other"},
    "engine_version": {"engine_version": "16.8"},
    "max_acu": {"max_acu": 1},
    "min_acu": {"min_acu": 2},
    "auto_pause_after": {"auto_pause_after": Duration.hours(1)},
    "writer_instance_type": {"writer_instance_type": R8G},
    "reader_instance_type": {"reader_instance_type": R8G},
    "rds_proxy": {"rds_proxy": True},
    "compliance_packs": {"compliance_packs": True},
    "database_name": {"database_name": "other"},
    "embedding_model": {"embedding_model": "cohere.embed-english-v3"},
    "region": {"region": "us-east-1"},
    "account": {"account": "1" * 12},
    "chat_timeout": {"chat_timeout": Duration.seconds(30)},
    "chat_memory_mib": {"chat_memory_mib": 1024},
    "alarm_connections": {"alarm_connections": 3000},
    "alarm_storage_gib": {"alarm_storage_gib": 1},
}
CHANGES = STRUCTURAL | OTHERS


def test_every_setting_is_changed() -> None:
    changed = {field for change in CHANGES.values() for field in change}
    assert {field.name for field in fields(Settings)} - changed == {"stage"}


@pytest.mark.parametrize("stage", STAGES)
def test_every_pair_is_taken_or_refused_with_field_value_and_hint(stage: str) -> None:
    names = {field.name for field in fields(Settings)}
    base = STAGES[stage]()
    for one, other in combinations(CHANGES.values(), 2):
        try:
            replace(base, **{**one, **other})
        except SettingsError as error:
            for line in str(error).splitlines():
                found = re.fullmatch(rf"{stage}: (\w+) must .+, got .+", line)
                assert found, line
                assert found[1] in names, line
                assert re.search(r": .+, got .+[:<]|must be .* to |at most|between|whole|lie ", line), line


def rows(base: Settings) -> list[list[str]]:
    """Sets of changes that can be made together, so that each pair that can be is in one of them."""

    def taken(names: list[str]) -> bool:
        values: Change = {}
        for name in names:
            for field, value in STRUCTURAL[name].items():
                if values.setdefault(field, value) is not value and values[field] != value:
                    return False
        try:
            replace(base, **values)
        except SettingsError:
            return False
        return True

    left = {pair for pair in combinations(STRUCTURAL, 2) if taken(list(pair))}
    found = []
    while left:
        row = list(min(left))
        for name in STRUCTURAL:
            new = sum(tuple(sorted((name, other), key=list(STRUCTURAL).index)) in left for other in row)
            if name not in row and new and taken([*row, name]):
                row.append(name)
        left -= {pair for pair in left if pair[0] in row and pair[1] in row}
        found.append(row)
    return found


@pytest.mark.parametrize(("stage", "row"), [(stage, row) for stage in STAGES for row in rows(STAGES[stage]())], ids=str)
def test_every_pair_that_is_taken_synthesizes(stage: str, row: list[str]) -> None:
    changes = {field: value for name in row for field, value in STRUCTURAL[name].items()}
    assert synthesize(replace(STAGES[stage](), **changes))["Database"]["Resources"]
