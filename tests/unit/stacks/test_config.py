"""Settings that AWS takes are taken, all problems are reported at once, and stages are chosen by name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from constructs_lib.validation import ENGINE_VERSIONS, PROVISIONED_CLASSES, instance_sizes
from stacks.config import dev, load, prod
from stchat.errors import SettingsError

DEV = dev()
PROD = prod()


R8G = ec2.InstanceType("r8g.large")


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        replace(DEV, engine_version="16.4", master_username="admin")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"min_acu": 0.5, "auto_pause_after": None},
        {"min_acu": 0.5, "auto_pause_after": None, "rds_proxy": True},
        {"auto_pause_after": Duration.minutes(5)},
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


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"readers": "two"}, "readers must be of type int, got str two: see stacks/config.py"),
        (
            {"auto_pause_after": 30},
            "auto_pause_after must be of type Duration or None, got int 30: write Duration.minutes(30), for instance",
        ),
        ({"min_acu": True}, "min_acu must be of type float or int, got bool True: see stacks/config.py"),
        ({"flow_logs": 1}, "flow_logs must be of type bool, got int 1: see stacks/config.py"),
        (
            {"availability_zones": ["a"]},
            "availability_zones must be of type tuple, got list ['a']: see stacks/config.py",
        ),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        replace(DEV, **change)
    assert str(error.value) == f"dev: {problem}"


def here(region: str = "", account: str = "") -> dict[str, str]:
    """What the CDK CLI puts into the environment."""
    return {"CDK_DEFAULT_REGION": region, "CDK_DEFAULT_ACCOUNT": account}


def test_stage_is_chosen_by_name() -> None:
    assert load(None, {}) == load("dev", here()) == DEV
    found = load("prod", here("ap-northeast-1", "1" * 12))
    assert (found.stage, found.account, found.cluster_identifier) == ("prod", "1" * 12, PROD.cluster_identifier)


@pytest.mark.parametrize("stage", ["staging", "", "Dev", 1, ["dev"]])
def test_unknown_stage_names_the_ones_there_are(stage: Any) -> None:
    with pytest.raises(SettingsError) as error:
        load(stage, {})
    assert str(error.value) == f"stage must be one of dev, prod, got {stage!r}: cdk synth -c stage=dev"


def test_a_stage_is_made_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting of one stage is in the way of that stage alone."""
    monkeypatch.setattr("stacks.config.STAGES", {"dev": dev, "prod": lambda: replace(dev(), stage="prod", readers=16)})
    assert load("dev", {}) == DEV
    with pytest.raises(SettingsError, match="prod: readers must be 0 to 15, got 16: a cluster"):
        load("prod", {})


def test_zones_of_another_region_are_refused_when_the_cli_deploys_there() -> None:
    with pytest.raises(SettingsError, match="set AWS_REGION=ap-northeast-1"):
        load("dev", here("us-east-1"))


def test_engine_versions_and_classes_are_those_of_cfn_lint() -> None:
    versions = schema("aws_rds_dbcluster", "engine_version", "EngineVersion")
    retired = schema("aws_rds_dbcluster", "engine_version_deprecated", "EngineVersion")
    of_16 = {version for version in versions - retired if re.fullmatch(r"16\.\d+", version)}
    assert set(ENGINE_VERSIONS) == of_16
    classes = schema("aws_rds_dbinstance", "dbinstanceclass_enum", "DBInstanceClass", "ap-northeast-1")
    for family in PROVISIONED_CLASSES:
        offered = {name.rpartition(".")[2] for name in classes if name.startswith(f"db.{family}.")}
        assert set(instance_sizes(family)) == offered


def schema(resource: str, name: str, field: str, region: str | None = None) -> set[str]:
    """The values of `field` that cfn-lint's data name for Aurora PostgreSQL."""
    data = resources.files(f"cfnlint.data.schemas.extensions.{resource}").joinpath(f"{name}.json").read_text()
    rules = json.loads(data)[region]["allOf"] if region else json.loads(data)["allOf"]
    found: set[str] = set()
    for rule in rules:
        condition = rule["if"]["properties"]
        if condition.get("Engine", {}).get("const") == "aurora-postgresql":
            values = rule["then"]["properties"] if rule["then"] else condition
            found |= set(values[field]["enum"])
    return found
