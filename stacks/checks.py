"""What makes a setting undeployable. Each problem names the field, the value got and the hint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stacks.config import Settings

SQL = Path(__file__).resolve().parent.parent / "sql"

# New clusters of these minors are refused by AWS although the CDK still names them (cfn-lint W3690).
RETIRED_ENGINE_VERSIONS = ("16.0", "16.1", "16.2", "16.4", "16.6")
SUPPORTED_ENGINE_VERSIONS = ("16.3", "16.8", "16.9", "16.10", "16.11", "16.13")
# Of Aurora PostgreSQL 16; their local disks need another storage type than the standard one (r6gd, r6id, r8gd).
PROVISIONED_CLASSES = ("r5", "r6g", "r6i", "r7g", "r7i", "r8g")
EMBEDDING_MODELS = ("cohere.embed-multilingual-v3", "cohere.embed-english-v3")
RESERVED_USERNAMES = ("admin", "rdsadmin")


class SettingsError(ValueError):
    """A setting that cannot be deployed; one line a problem: field, value, hint."""


def problems(settings: Settings) -> list[str]:
    """Every reason why these settings cannot be deployed; empty when they can."""
    checks = (_network, _names, _engine, _capacity, _instances, _pausing, _periods, _chat, _alarms)
    return [problem for check in checks for problem in check(settings)]


def _network(s: Settings) -> Iterator[str]:
    if elsewhere := tuple(zone for zone in s.availability_zones if zone[:-1] != s.region):
        yield (
            f"availability_zones must lie in the region deployed to, got {_shown(elsewhere)} for {s.region}:"
            f" set AWS_REGION={elsewhere[0][:-1]}, or name zones of {s.region} in stacks/config.py"
        )
    if len(set(s.availability_zones)) < 2 or len(set(s.availability_zones)) != len(s.availability_zones):
        yield f"availability_zones must be 2 or more different zones, got {_shown(s.availability_zones)}"
    fields = {
        "vpc_cidr": (s.vpc_cidr,),
        "public_subnet_cidrs": s.public_subnet_cidrs,
        "private_subnet_cidrs": s.private_subnet_cidrs,
    }
    networks: list[tuple[str, IPv4Network]] = []
    for field, cidrs in fields.items():
        for cidr in cidrs:
            try:
                network = IPv4Network(cidr)
            except ValueError as error:
                yield f"{field} must be IPv4 ranges like 10.0.0.0/20, got {cidr}: {error}"
                return
            if not 16 <= network.prefixlen <= 28:
                yield f"{field} must be between /16 and /28, got {cidr}: AWS allows no other sizes"
            networks.append((field, network))
        if field != "vpc_cidr" and len(cidrs) != len(s.availability_zones):
            yield f"{field} must have one range for each of {len(s.availability_zones)} zones, got {_shown(cidrs)}"
    (_, vpc), *subnets = networks
    for field, network in subnets:
        if not network.subnet_of(vpc):
            yield f"{field} must lie within vpc_cidr {vpc}, got {network}: choose a range inside, or a larger VPC"
    for (_, one), (field, other) in combinations(subnets, 2):
        if one.overlaps(other):
            yield f"{field} must not overlap other subnets, got {other} over {one}: choose a free range"


def _names(s: Settings) -> Iterator[str]:
    if s.master_username in RESERVED_USERNAMES or s.master_username.startswith("pg_"):
        yield (
            f"master_username must not be reserved by PostgreSQL or RDS, got {s.master_username}:"
            " admin, rdsadmin and pg_... are; choose another, like stchat"
        )
    elif not re.fullmatch(r"[a-z][a-z0-9_]{0,15}", s.master_username):
        yield (
            f"master_username must be a lower-case letter, then up to 15 letters, digits or _, got {s.master_username}"
        )
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", s.database_name):
        yield (
            "database_name must be lower-case letters, digits and _ (63 at most, no . or -),"
            f" got {s.database_name}: it would need quotes in every SQL statement"
        )
    elif not (SQL / s.database_name).is_dir():
        yield (
            f"database_name must be a database of sql/, got {s.database_name}:"
            f" make sql/{s.database_name}/0001_<what>.sql, and CREATE DATABASE it in sql/postgres/"
        )
    if not re.fullmatch(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,62}", s.cluster_identifier):
        yield (
            "cluster_identifier must be lower-case letters, digits and single hyphens (63 at most),"
            f" got {s.cluster_identifier}"
        )
    if not re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,500}", s.master_secret_name):
        yield f"master_secret_name must be letters, digits and /_+=.@- only, got {s.master_secret_name}"
    elif re.search(r"-[A-Za-z0-9]{6}$", s.master_secret_name):
        yield (
            "master_secret_name must not end in a hyphen and six characters (Secrets Manager adds such a suffix"
            f" to ARNs), got {s.master_secret_name}"
        )


def _engine(s: Settings) -> Iterator[str]:
    if s.engine_version in RETIRED_ENGINE_VERSIONS:
        yield (
            f"engine_version must be one that AWS still creates, got {s.engine_version}, which it has retired:"
            " take 16.13, or the LTS 16.8"
        )
    elif s.engine_version not in SUPPORTED_ENGINE_VERSIONS:
        yield (
            f"engine_version must be one of {', '.join(SUPPORTED_ENGINE_VERSIONS)}, got {s.engine_version}:"
            " a newer minor is added in stacks/checks.py"
        )


def _capacity(s: Settings) -> Iterator[str]:
    for field, acu, least in (("min_acu", s.min_acu, 0), ("max_acu", s.max_acu, 1)):
        if not least <= acu <= 256:
            yield f"{field} must be {least} to 256 ACU, got {acu:g}"
        if acu * 2 % 1:
            yield f"{field} must be in steps of 0.5 ACU, got {acu:g}: take {int(acu * 2) / 2:g}"
    if s.max_acu < s.min_acu:
        yield f"max_acu must be at least min_acu, got {s.max_acu:g} < {s.min_acu:g}"


def _instances(s: Settings) -> Iterator[str]:
    if not 0 <= s.readers <= 15:
        yield f"readers must be 0 to 15, got {s.readers}"
    if not 0 <= s.reader_promotion_tier <= 15:
        yield (
            f"reader_promotion_tier must be 0 to 15, got {s.reader_promotion_tier}:"
            " take 1, which scales with the writer"
        )
    for field, kind in _instance_types(s).items():
        if kind and not re.fullmatch(rf"({'|'.join(PROVISIONED_CLASSES)})\.(\d*x)?large", kind):
            yield (
                f"{field} must be a memory-optimised r class ({', '.join(PROVISIONED_CLASSES)}), got {kind}:"
                " take one like r8g.large, or None for Serverless v2"
            )
    if s.reader_instance_type and not s.readers:
        yield (
            f"reader_instance_type must be None without readers, got {s.reader_instance_type.to_string()}:"
            " set readers=1, or writer_instance_type if the writer was meant"
        )
    kinds = {kind is None for kind in _instance_types(s).values()}
    if kinds == {True, False} and s.readers and s.min_acu == 0 and s.auto_pause_after is None:
        provisioned = next(field for field, kind in _instance_types(s).items() if kind)
        yield (
            f"min_acu must be at least 0.5 beside provisioned instances, got 0 with {provisioned}:"
            " they keep the cluster awake; set min_acu=0.5, or the same kind for writer and readers"
        )


def _pausing(s: Settings) -> Iterator[str]:
    provisioned = [field for field, kind in _instance_types(s).items() if kind]
    if s.auto_pause_after is None:
        if s.min_acu == 0 and not provisioned:
            yield "auto_pause_after must be set when min_acu is 0, got None: take 1800 s, or min_acu=0.5 to stay awake"
        return
    seconds = s.auto_pause_after.to_seconds()
    if not 300 <= seconds <= 86_400:
        yield f"auto_pause_after must be 300 to 86400 s, got {seconds:g}: Aurora allows no other interval"
    if s.min_acu > 0:
        yield (
            f"auto_pause_after must be None when min_acu is above 0, got {seconds:g} s with {s.min_acu:g} ACU:"
            " a cluster pauses at 0 ACU alone; set min_acu=0 or auto_pause_after=None"
        )
    for field in provisioned:
        yield (
            f"auto_pause_after must be None with {field}, got {seconds:g} s: an provisioned instance keeps the whole"
            " cluster awake; set auto_pause_after=None"
        )
    if s.rds_proxy:
        yield (
            f"rds_proxy must be False when the cluster may pause, got True with auto_pause_after={seconds:g} s:"
            " its open connections keep the cluster awake;"
            " set rds_proxy=False, or min_acu=0.5 and auto_pause_after=None"
        )


def _periods(s: Settings) -> Iterator[str]:
    days = s.backup_retention.to_days(integral=False)
    if not 1 <= days <= 35 or days % 1:
        yield f"backup_retention must be 1 to 35 whole days, got {days:g}: Aurora allows no other period"
    if s.rotate_secrets_every is not None:
        days = s.rotate_secrets_every.to_days(integral=False)
        if not 1 <= days <= 1000:
            yield f"rotate_secrets_every must be 1 to 1000 days, got {days:g}: Secrets Manager allows no other"


def _instance_types(s: Settings) -> dict[str, str | None]:
    """By field; None is Serverless v2."""
    fields = {"writer_instance_type": s.writer_instance_type, "reader_instance_type": s.reader_instance_type}
    return {field: kind.to_string() if kind else None for field, kind in fields.items()}


def _chat(s: Settings) -> Iterator[str]:
    if s.embedding_model not in EMBEDDING_MODELS:
        yield (
            f"embedding_model must be one of {', '.join(EMBEDDING_MODELS)}, got {s.embedding_model}:"
            " another one needs a class of its own in stchat/chat/embeddings.py, and vectors of 1024 numbers"
        )
    seconds = s.chat_timeout.to_seconds(integral=False)
    if not 30 <= seconds <= 900 or seconds % 1:
        yield f"chat_timeout must be 30 to 900 whole seconds, got {seconds:g}: it waits for a sleeping cluster"
    if not 128 <= s.chat_memory_mib <= 10_240:
        yield f"chat_memory_mib must be 128 to 10240 MiB, got {s.chat_memory_mib}: Lambda allows no other size"
    if s.chat_reserved_concurrency is not None and s.chat_reserved_concurrency < 1:
        yield (
            f"chat_reserved_concurrency must be None or at least 1, got {s.chat_reserved_concurrency}:"
            " with 0 Lambda refuses every call"
        )


def _alarms(s: Settings) -> Iterator[str]:
    for field, value in (("alarm_connections", s.alarm_connections), ("alarm_storage_gib", s.alarm_storage_gib)):
        if value < 1:
            yield f"{field} must be 1 or more, got {value}: it would ring all the time; set alarms=False for none"


def _shown(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "none"
