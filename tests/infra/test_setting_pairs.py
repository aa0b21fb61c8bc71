"""Every pair of settings that are not the default is refused with field, value and hint, or synthesizes with its packs.

All pairs go through validation, which is fast. Those that it takes are synthesized by an all-pairs array: a few rows,
each with as many settings as go together, so that each pair is in one of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from stacks.config import STAGES, Settings
from stchat.errors import SettingsError
from tests.support.refusals import REFUSAL
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
    "running": AWAKE,
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
    "Fargate": {"fargate_image": "st-chat:1"},
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
    "memory_expires_after": {"memory_expires_after": Duration.days(365)},
    "history_expires_after": {"history_expires_after": Duration.days(90)},
    "embedding_model": {"embedding_model": "global.cohere.embed-v4:0"},
    "embedding_region": {"embedding_region": "us-east-1"},
    "region": {"region": "us-east-1"},
    "region with its zones": {"region": "us-east-1", "availability_zones": ("us-east-1a", "us-east-1b")},
    "account": {"account": "1" * 12},
    "chat_timeout": {"chat_timeout": Duration.seconds(30)},
    "chat_memory_mib": {"chat_memory_mib": 1024},
    "fargate_tasks": {"fargate_tasks": 4},
    "alarm_connections": {"alarm_connections": 3000},
    "alarm_storage_gib": {"alarm_storage_gib": 1},
}
CHANGES = STRUCTURAL | OTHERS


def test_every_setting_is_changed() -> None:
    changed = {field for change in CHANGES.values() for field in change}
    assert {field.name for field in fields(Settings)} - changed == {"stage"}


@functools.cache
def pairs(base: Settings) -> dict[tuple[str, str], SettingsError | None]:
    """Why each pair of changes of `base` is refused, None where it is taken; no pair that sets one field twice."""
    changes = {
        name: change
        for name, change in CHANGES.items()
        if any(getattr(base, field) != value for field, value in change.items())
    }
    found: dict[tuple[str, str], SettingsError | None] = {}
    for one, other in combinations(changes, 2):
        if all(changes[other].get(field, value) == value for field, value in changes[one].items()):
            found[one, other] = refusal(base, (one, other))
    return found


def refusal(base: Settings, names: Iterable[str]) -> SettingsError | None:
    try:
        replace(base, **merged(names))
    except SettingsError as error:
        return error
    return None


def merged(names: Iterable[str]) -> Change:
    return {field: value for name in names for field, value in CHANGES[name].items()}


def shown(value: Any) -> set[str]:
    """How an error may show a value, or the part of it that is wrong."""
    match value:
        case tuple():
            return {text for part in value for text in shown(part)}
        case Duration():
            return {f"{value.to_seconds(integral=False):g} s", f"{value.to_days(integral=False):g}"}
        case ec2.InstanceType():
            return {value.to_string()}
        case float():
            return {f"{value:g}"}
        case str():
            return {value, *value.split(":")}
    return {str(value)}


@pytest.mark.parametrize("stage", STAGES)
def test_every_pair_is_taken_or_refused_with_field_value_and_hint(stage: str) -> None:
    base = STAGES[stage]()
    refused = {pair: error for pair, error in pairs(base).items() if error}
    assert len(refused) > 100
    for pair, error in refused.items():
        values: Change = {**vars(base), **merged(pair)}
        for line in str(error).splitlines():
            found = REFUSAL.fullmatch(line)
            assert found, (pair, line)
            assert found["scope"] == stage, (pair, line)
            assert any(text in found["got"] for text in shown(values[found["field"]])), (pair, line)


@pytest.mark.parametrize(
    "text",
    [
        "dev: readers must be 0 to 15, got 16",
        "dev: readers must be 0 to 15: take 1",
        "readers are wrong, got 16: take 1",
    ],
)
def test_a_refusal_without_value_or_hint_would_be_found(text: str) -> None:
    assert not REFUSAL.fullmatch(text)


def rows(base: Settings, *, packs_off: bool) -> list[list[str]]:
    """Sets of changes that can be made together, so that each pair that `base` takes is in one of them.

    Args:
        packs_off: the pairs alone of which one turns the compliance packs off; otherwise all others.
    """
    taken = {pair for pair, error in pairs(base).items() if error is None}
    left = {pair for pair in taken if ("compliance_packs" in merged(pair)) == packs_off}
    found = []
    while left:
        row = list(min(left))
        for name in CHANGES:
            new = sum(tuple(sorted((name, other), key=list(CHANGES).index)) in left for other in row)
            if new and name not in row and _fits(taken, row, name) and not refusal(base, [*row, name]):
                row.append(name)
        left -= set(combinations(sorted(row, key=list(CHANGES).index), 2))
        found.append(row)
    return found


def _fits(taken: set[tuple[str, str]], row: list[str], name: str) -> bool:
    return all((name, other) in taken or (other, name) in taken for other in row)


@pytest.mark.parametrize(("stage", "packs_off"), [("dev", False), ("prod", False), ("prod", True)])
def test_every_pair_that_is_taken_synthesizes(stage: str, packs_off: bool) -> None:
    """With the policy checks of the stage. `prod` with its packs, and where a setting needs them off, without."""
    base = STAGES[stage]()
    for row in rows(base, packs_off=packs_off):
        try:
            assert synthesize(replace(base, **merged(row)))["Database"]["Resources"]
        except Exception as error:
            error.add_note(f"of {', '.join(row)}")
            raise
