"""Every wrong setting is refused with the field, the value and the hint, word for word."""

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


def minutes(count: float) -> Duration:
    return Duration.minutes(count)


R8G = ec2.InstanceType("r8g.large")

WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"master_username": "admin"},
        "master_username must not be reserved by PostgreSQL or RDS, got admin:"
        " admin, postgres, rds... and pg_... are; choose another, like stchat",
    ),
    (
        {"master_username": "rdsadmin"},
        "master_username must not be reserved by PostgreSQL or RDS, got rdsadmin:"
        " admin, postgres, rds... and pg_... are; choose another, like stchat",
    ),
    (
        {"master_username": "pg_chat"},
        "master_username must not be reserved by PostgreSQL or RDS, got pg_chat:"
        " admin, postgres, rds... and pg_... are; choose another, like stchat",
    ),
    (
        {"master_username": "St Chat"},
        "master_username must be a lower-case letter, then up to 15 letters, digits or _, got St Chat",
    ),
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
        {"auto_pause_after": minutes(4)},
        "auto_pause_after must be 300 to 86400 whole seconds, got 240: Aurora allows no other interval",
    ),
    (
        {"auto_pause_after": minutes(1441)},
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
        " its open connections block auto-pause; set rds_proxy=False, or min_acu=0.5 and auto_pause_after=None",
    ),
    ({"readers": 16}, "readers must be 0 to 15, got 16"),
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
        "master_secret_name must be letters, digits and /_+=.@- only, 1 to 500 of them, got st chat",
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
    (
        {"master_username": "st_chat_app"},
        "master_username must not be a role that the migrations make, got st_chat_app: the role would be the master"
        " user, with every right; choose another, like stchat",
    ),
    (
        {"master_username": "user"},
        "master_username must not be a key word of SQL, got user: choose another, like stchat",
    ),
    (
        {"security_group_name": "sg-chat"},
        "security_group_name must not begin with sg- or be default, got sg-chat:"
        " EC2 keeps them for itself; leave out sg-",
    ),
    (
        {"security_group_name": "チャット"},
        "security_group_name must be 1 to 251 letters, digits, blanks and ._-:/()#,@[]+=&;{}!$*, got チャット:"
        " EC2 takes no other, and 255 with the application's .app",
    ),
    (
        {"network_name": "n" * 300},
        "network_name must be 1 to 200 letters, digits, blanks and .:/=+@-_, and not begin with aws:,"
        f" got {'n' * 40}... (300 characters): it begins Name tags of 256 characters at most",
    ),
    (
        {"subnet_group_name": "ST-chat"},
        "subnet_group_name must be 1 to 255 lower-case letters, digits, blanks and ._-, and not default, got ST-chat:"
        " RDS stores it in lower case",
    ),
    (
        {"database_name": "postgres"},
        "database_name must not be reserved by PostgreSQL or RDS, got postgres: choose another, like st_chat_db",
    ),
    (
        {"stage": ""},
        "stage must be a lower-case letter, then up to 30 letters, digits or -, got ",
    ),
    (
        {"account": "12"},
        "account must be 12 digits or None, got 12: None takes the account of the CDK's credentials",
    ),
    (
        {"embedding_model": "cohere.embed-english-v3"},
        "embedding_model must be cohere.embed-multilingual-v3, got cohere.embed-english-v3: the vectors that are stored"
        " are that model's and cannot be compared with another's; a database of its own can have another"
        " (ChatFunction)",
    ),
    (
        {"alarm_connections": 2001},
        "alarm_connections must be at most 2000 with min_acu=0, got 2001:"
        " Aurora allows no more connections, so the alarm would never ring",
    ),
    (
        {"snapshot_identifier": "arn:aws:rds:us-east-1:000000000000:cluster-snapshot:st-chat"},
        "snapshot_identifier must be a snapshot of ap-northeast-1, got one of us-east-1:"
        " copy it with aws rds copy-db-cluster-snapshot",
    ),
    (
        {"snapshot_identifier": "st chat"},
        "snapshot_identifier must be a cluster snapshot's name or ARN, got st chat:"
        " aws rds describe-db-cluster-snapshots lists them",
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
def test_wrong_setting_is_refused_with_a_hint(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        replace(DEV, **change)
    assert str(error.value).splitlines() == [f"{change.get('stage', 'dev')}: {problem}"]


def test_every_problem_is_reported_at_once() -> None:
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
    with pytest.raises(SettingsError, match="prod: readers must be 0 to 15, got 16"):
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
