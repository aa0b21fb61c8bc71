"""What AWS and PostgreSQL refuse in a name, a range or a version: found at synth instead of minutes into a deploy.

Each check yields problems, `<field> must ..., got <value>: <hint>`. A value that is not known before the deploy (a
token of the CDK's) passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network
from itertools import combinations

from aws_cdk import Token
from constructs import IConstruct

from stchat.errors import SettingsError

# Aurora PostgreSQL 16, what AWS still creates: a test compares it with cfn-lint's data (docs/decisions/0615).
ENGINE_VERSIONS = ("16.8", "16.9", "16.10", "16.11", "16.13", "16.14", "16.15")
DEFAULT_ENGINE_VERSION = "16.13"
# Of Aurora PostgreSQL 16, from large to the size given; a test compares them with cfn-lint's data. Classes with a local
# disk need another storage type than the standard one.
PROVISIONED_CLASSES = {"r5": 24, "r6g": 16, "r6i": 32, "r7g": 16, "r7i": 48, "r8g": 48}
PROVISIONED_SIZES = (2, 4, 8, 12, 16, 24, 32, 48)
SIZES_LEFT_OUT = {"r7i": (32,), "r8g": (32,)}

_RDS_ROLES = ["rds_ad", "rds_extension", "rds_iam", "rds_password", "rds_reserved", "rds_replication", "rds_superuser"]
RESERVED_ROLES = ("admin", "postgres", "rdsadmin", "rdsproxyadmin", "rdsrepladmin", "rdstopmgr", *_RDS_ROLES)
LEAST_NUMBER = -1e280  # the CDK writes a number that is a token as one below it
RESERVED_DATABASES = ("postgres", "rdsadmin", "template0", "template1")
# Key words that PostgreSQL takes as a name in quotes alone.
RESERVED_WORDS = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural none not notnull null offset on only or order outer overlaps placing primary public
    references returning right select session_user similar some symmetric system_user table tablesample then to trailing
    true union unique user using variadic verbose when where window with""".split()  # noqa: SIM905 (easier to read)
)


def require(construct: IConstruct, problems: Iterable[str]) -> None:
    """Raises SettingsError, a line a problem, each with the construct's path."""
    if found := list(problems):
        raise SettingsError("\n".join(f"{construct.node.path}: {problem}" for problem in found))


def is_resolved(value: object) -> bool:
    """Whether there is a value to judge: not None, and no token.

    The CDK is asked of what may be one alone: each question is a message to another process.
    """
    match value:
        case None:
            return False
        case str() if "${Token[" not in value:
            return True
        case int() | float() if value > LEAST_NUMBER:
            return True
    return not Token.is_unresolved(value)


def role_name(field: str, value: str) -> Iterator[str]:
    """Of a user that connects: PostgreSQL's and RDS's own are taken."""
    if not is_resolved(value):
        return
    if value in RESERVED_ROLES or value.startswith("pg_"):
        yield (
            f"{field} must not be reserved by PostgreSQL or RDS, got {value}:"
            " admin, postgres, rds... and pg_... are; choose another, like stchat"
        )
    elif value in RESERVED_WORDS:
        yield f"{field} must not be a key word of SQL, got {value}: choose another, like stchat"


def master_username(field: str, value: str, roles: Iterable[str] = ()) -> Iterator[str]:
    yield from role_name(field, value)
    if is_resolved(value) and not re.fullmatch(r"[a-z][a-z0-9_]{0,15}", value):
        yield (
            f"{field} must be a lower-case letter, then up to 15 letters, digits or _, got {value}:"
            " choose another, like stchat"
        )
    if value in roles:
        yield (
            f"{field} must not be a role that the migrations make, got {value}: the role would be the master user,"
            " with every right; choose another, like stchat"
        )


def database_name(field: str, value: str) -> Iterator[str]:
    if not is_resolved(value):
        return
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        yield (
            f"{field} must be lower-case letters, digits and _ (63 at most, no . or -), got {value}:"
            " it would need quotes in every SQL statement"
        )
    elif value in RESERVED_DATABASES or value in RESERVED_WORDS:
        yield f"{field} must not be reserved by PostgreSQL or RDS, got {value}: choose another, like st_chat_db"


def cluster_identifier(field: str, value: str | None) -> Iterator[str]:
    if is_resolved(value) and not re.fullmatch(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,62}", str(value)):
        yield (
            f"{field} must be lower-case letters, digits and single hyphens (63 at most), got {value}:"
            " choose another, like dbclusterstchat"
        )


def secret_name(field: str, value: str | None) -> Iterator[str]:
    if not is_resolved(value):
        return
    if not re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,500}", str(value)):
        yield (
            f"{field} must be letters, digits and /_+=.@- only, 1 to 500 of them, got {shortened(str(value))}:"
            " choose another, like st.chat"
        )
    elif re.search(r"-[A-Za-z0-9]{6}$", str(value)):
        yield (
            f"{field} must not end in a hyphen and six characters (Secrets Manager adds such a suffix to ARNs),"
            f" got {value}: choose another, like st.chat"
        )


def security_group_name(field: str, value: str | None) -> Iterator[str]:
    if not is_resolved(value):
        return
    if not re.fullmatch(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,251}", str(value)):
        yield (
            f"{field} must be 1 to 251 letters, digits, blanks and ._-:/()#,@[]+=&;{{}}!$*,"
            f" got {shortened(str(value))}: EC2 takes no other, and 255 with the application's .app"
        )
    elif str(value).lower().startswith("sg-") or value == "default":
        yield f"{field} must not begin with sg- or be default, got {value}: EC2 keeps them for itself; leave out sg-"


def subnet_group_name(field: str, value: str | None) -> Iterator[str]:
    if not is_resolved(value):
        return
    if not re.fullmatch(r"[a-z0-9][a-z0-9 ._-]{0,254}", str(value)) or value == "default":
        yield (
            f"{field} must be 1 to 255 lower-case letters, digits, blanks and ._-, and not default,"
            f" got {shortened(str(value))}: RDS stores it in lower case"
        )


def tag_prefix(field: str, value: str) -> Iterator[str]:
    """Of a Name tag: at most 256 characters with what comes behind it."""
    if not is_resolved(value):
        return
    if not re.fullmatch(r"[\w .:/=+@-]{1,200}", value) or value.lower().startswith("aws:"):
        yield (
            f"{field} must be 1 to 200 letters, digits, blanks and .:/=+@-_, and not begin with aws:,"
            f" got {shortened(value)}: it begins Name tags of 256 characters at most"
        )


def engine_version(field: str, value: str) -> Iterator[str]:
    if not is_resolved(value) or value in ENGINE_VERSIONS:
        return
    offered = f"take {DEFAULT_ENGINE_VERSION}, or the LTS 16.8"
    if value.partition(".")[0] == "16":
        yield f"{field} must be one that AWS creates ({', '.join(ENGINE_VERSIONS)}), got {value}: {offered}"
    else:
        yield f"{field} must be Aurora PostgreSQL 16, on which the SQL is tested, got {value}: {offered}"


def instance_class(field: str, value: str | None) -> Iterator[str]:
    if not is_resolved(value):
        return
    family, _, size = str(value).partition(".")
    if family not in PROVISIONED_CLASSES:
        yield (
            f"{field} must be a memory-optimised r class ({', '.join(PROVISIONED_CLASSES)}), got {value}:"
            " take one like r8g.large, or None for Serverless v2"
        )
    elif size not in (sizes := instance_sizes(family)):
        yield f"{field} must have a size of {family} ({', '.join(sizes)}), got {value}: take one like {family}.large"


def instance_sizes(family: str) -> tuple[str, ...]:
    numbers = [n for n in PROVISIONED_SIZES if n <= PROVISIONED_CLASSES[family]]
    return ("large", "xlarge", *(f"{n}xlarge" for n in numbers if n not in SIZES_LEFT_OUT.get(family, ())))


def networks(vpc_cidr: tuple[str, str], subnets: Sequence[tuple[str, Sequence[str]]], zones: int) -> Iterator[str]:
    """Field and range of a VPC, field and ranges of each tier of its subnets: one range for each zone, apart."""
    found: list[tuple[str, IPv4Network]] = []
    for field, cidrs in ((vpc_cidr[0], (vpc_cidr[1],)), *subnets):
        for cidr in cidrs:
            try:
                network = IPv4Network(cidr)
            except ValueError as error:
                yield f"{field} must be IPv4 ranges like 10.0.0.0/20, got {cidr}: {error}"
                return
            if not 16 <= network.prefixlen <= 28:
                yield f"{field} must be between /16 and /28, got {cidr}: AWS allows no other sizes"
            if network.is_loopback or network.is_link_local or network.is_multicast or network.is_unspecified:
                yield f"{field} must be a range that a VPC can have, got {cidr}: take a private one, like 10.0.0.0/16"
            found.append((field, network))
    for field, cidrs in subnets:
        if len(cidrs) != zones:
            yield (
                f"{field} must have one range for each of {zones} zones, got {', '.join(cidrs) or 'none'}:"
                " name as many ranges as zones"
            )
    (_, vpc), *parts = found
    for field, network in parts:
        if not network.subnet_of(vpc):
            yield f"{field} must lie within {vpc_cidr[0]} {vpc}, got {network}: choose a range inside, or a larger VPC"
    for (_, one), (field, other) in combinations(parts, 2):
        if one.overlaps(other):
            yield f"{field} must not overlap other subnets, got {other} over {one}: choose a free range"


def shortened(value: str) -> str:
    """A value as an error shows it."""
    return value if len(value) <= 60 else f"{value[:40]}... ({len(value)} characters)"
