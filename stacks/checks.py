"""What makes a setting undeployable, alone or with others. Each problem names the field, the value got and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, get_args, get_origin, get_type_hints

from aws_cdk import Duration

from constructs_lib import capacity, chat_function, cluster_checks, embedding_model, secret_rotation, validation
from constructs_lib.lambda_code import CHAT_SQL

if TYPE_CHECKING:
    from stacks.config import Settings

APPLICATION_ROLE = "st_chat_app"
# The roles that sql/ creates, and the suffix of each one's secret.
ROLES = {APPLICATION_ROLE: "app", "st_chat_read": "read"}
# Aurora PostgreSQL's max_connections: 2,000 where min_acu is 0 or 0.5, and never more than 5,000.
CONNECTIONS, CONNECTIONS_AT_SMALL_MINIMUM = 5000, 2000


def problems(settings: Settings) -> list[str]:
    """Every reason why these settings cannot be deployed; empty when they can."""
    if found := list(_types(settings)):
        return found
    checks = (
        _stage,
        _network,
        _names,
        capacity.problems,
        _instances,
        _proxy,
        _periods,
        _chat,
        _fargate,
        _alarms,
        _packs,
    )
    return [problem for check in checks for problem in check(settings)]


def _types(s: Settings) -> Iterator[str]:
    """The other checks compare values, and take their types for granted."""
    for field, types in _types_by_field().items():
        value = getattr(s, field)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            names = " or ".join("None" if one is type(None) else one.__name__ for one in types)
            hint = "write Duration.minutes(30), for instance" if Duration in types else "see stacks/config.py"
            got = f"{type(value).__name__} {validation.shortened(str(value))}"
            yield f"{field} must be of type {names}, got {got}: {hint}"


@cache
def _types_by_field() -> dict[str, tuple[type, ...]]:
    """What each setting may be. An integer is a float too."""
    from stacks.config import Settings  # it imports this module

    found = {}
    for field, annotation in get_type_hints(Settings).items():
        parts = (annotation,) if get_origin(annotation) is tuple else get_args(annotation) or (annotation,)
        types = tuple(get_origin(part) or part for part in parts)
        found[field] = (*types, int) if float in types else types
    return found


def _stage(s: Settings) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", s.stage):
        shown = validation.shortened(s.stage)
        yield (
            f"stage must be a lower-case letter, then up to 30 letters, digits or -, got {shown}:"
            " it begins the names of stacks; take one like dev"
        )
    if s.account is not None and not re.fullmatch(r"\d{12}", s.account):
        yield f"account must be 12 digits or None, got {s.account}: None takes the account of the CDK's credentials"


def _network(s: Settings) -> Iterator[str]:
    zones = s.availability_zones
    if elsewhere := tuple(zone for zone in zones if zone[:-1] != s.region):
        yield (
            f"availability_zones must lie in the region deployed to, got {', '.join(elsewhere)} for {s.region}:"
            f" set AWS_REGION={elsewhere[0][:-1]}, or name zones of {s.region} in stacks/config.py"
        )
    if len(set(zones)) < 2 or len(set(zones)) != len(zones):
        yield (
            f"availability_zones must be 2 or more different zones, got {', '.join(zones) or 'none'}:"
            f" Aurora needs subnets in two; take {s.region}a and another of aws ec2 describe-availability-zones"
        )
    tiers = (("public_subnet_cidrs", s.public_subnet_cidrs), ("private_subnet_cidrs", s.private_subnet_cidrs))
    yield from validation.networks(("vpc_cidr", s.vpc_cidr), tiers, len(zones))
    yield from validation.tag_prefix("network_name", s.network_name)
    yield from validation.security_group_name("security_group_name", s.security_group_name)


def _names(s: Settings) -> Iterator[str]:
    yield from chain(
        validation.master_username("master_username", s.master_username, ROLES),
        validation.secret_name("master_secret_name", s.master_secret_name),
        validation.cluster_identifier("cluster_identifier", s.cluster_identifier),
        validation.subnet_group_name("subnet_group_name", s.subnet_group_name),
        validation.engine_version("engine_version", s.engine_version),
    )
    if found := list(validation.database_name("database_name", s.database_name)):
        yield from found
    elif not (CHAT_SQL / s.database_name).is_dir():
        yield (
            f"database_name must be a database of sql/, got {s.database_name}:"
            f" make sql/{s.database_name}/0001_<what>.sql, and CREATE DATABASE it in sql/postgres/"
        )


def _instances(s: Settings) -> Iterator[str]:
    snapshot = s.snapshot_identifier
    if snapshot is None:
        return
    arn = re.fullmatch(r"arn:aws[\w-]*:rds:([\w-]+):\d{12}:(?:cluster-)?snapshot:[\w:-]+", snapshot)
    if not arn and not re.fullmatch(r"(?:rds:)?[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,254}", snapshot):
        yield (
            "snapshot_identifier must be a cluster snapshot's name or ARN,"
            f" got {validation.shortened(snapshot)}: aws rds describe-db-cluster-snapshots lists them"
        )
    elif arn and arn[1] != s.region:
        yield (
            f"snapshot_identifier must be a snapshot of {s.region}, got one of {arn[1]}:"
            " copy it with aws rds copy-db-cluster-snapshot"
        )


def _proxy(s: Settings) -> Iterator[str]:
    if s.rds_proxy and s.auto_pause_after is not None:
        yield (
            "rds_proxy must be False when the cluster may pause, got True with"
            f" auto_pause_after={s.auto_pause_after.to_seconds(integral=False):g} s: its open connections block"
            " auto-pause; set rds_proxy=False, or min_acu=0.5 and auto_pause_after=None"
        )


def _periods(s: Settings) -> Iterator[str]:
    yield from cluster_checks.backup_retention("backup_retention", s.backup_retention)
    if s.rotate_secrets_every is not None:
        yield from secret_rotation.interval_problems("rotate_secrets_every", s.rotate_secrets_every)


def _chat(s: Settings) -> Iterator[str]:
    if s.embedding_region is not None and not re.fullmatch(r"[a-z]{2}(?:-[a-z]+)+-\d", s.embedding_region):
        yield (
            f"embedding_region must be a region like us-east-1, got {validation.shortened(s.embedding_region)}:"
            f" None asks Bedrock in {s.region}"
        )
    else:
        yield from embedding_model.embedding_model_problems(
            "embedding_model", s.embedding_model, s.embedding_region or s.region
        )
    yield from chat_function.expiry_problems("memory_expires_after", s.memory_expires_after)
    yield from chat_function.expiry_problems("history_expires_after", s.history_expires_after)
    yield from chat_function.function_problems("chat_", s.chat_timeout, s.chat_memory_mib, s.chat_reserved_concurrency)


def _fargate(s: Settings) -> Iterator[str]:
    if s.fargate_image is not None and not re.fullmatch(
        r"(?!.*\.dkr\.ecr\.)[a-z0-9][a-z0-9._/-]{1,255}:[\w][\w.-]{0,127}", s.fargate_image
    ):
        yield (
            f"fargate_image must be <repository>:<tag>, got {validation.shortened(s.fargate_image)}:"
            " push the image to the ECR of this account and region, and name it like st-chat:1"
        )
    if s.fargate_image is not None and (s.embedding_region or s.region) != s.region:
        yield (
            f"embedding_region must be None with fargate_image, got {s.embedding_region}: the tasks reach Bedrock of"
            f" {s.region} alone, by its VPC endpoint; take an inference profile that can be called from there"
        )
    if s.fargate_tasks < 1:
        yield f"fargate_tasks must be at least 1, got {s.fargate_tasks}: set fargate_image=None for no service"


def _alarms(s: Settings) -> Iterator[str]:
    for field, value in (("alarm_connections", s.alarm_connections), ("alarm_storage_gib", s.alarm_storage_gib)):
        if value < 1:
            yield f"{field} must be 1 or more, got {value}: it would ring all the time; set alarms=False for none"
    small = s.min_acu <= 0.5 and s.writer_instance_type is None
    limit = CONNECTIONS_AT_SMALL_MINIMUM if small else CONNECTIONS
    if s.alarm_connections > limit:
        at = f" with min_acu={s.min_acu:g}" if small else ""
        yield (
            f"alarm_connections must be at most {limit}{at}, got {s.alarm_connections}:"
            " Aurora allows no more connections, so the alarm would never ring"
        )


def _packs(s: Settings) -> Iterator[str]:
    """The settings that the compliance packs ask for, and on which the reasons in acknowledged.py rest."""
    if not s.compliance_packs:
        return
    needed = {
        "flow_logs": s.flow_logs,
        "kms_key": s.kms_key,
        "log_export": s.log_export,
        "protect_data": s.protect_data,
        "iam_authentication": s.iam_authentication,
    }
    for field, value in needed.items():
        if not value:
            yield f"{field} must be True with compliance_packs, got False: set {field}=True or compliance_packs=False"
    if s.rotate_secrets_every is None:
        yield (
            "rotate_secrets_every must be set with compliance_packs, got None:"
            " take Duration.days(30), or compliance_packs=False"
        )
