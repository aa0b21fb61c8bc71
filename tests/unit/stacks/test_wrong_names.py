"""Names, networks and places that AWS or PostgreSQL does not take are refused, word for word."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration

from tests.support.refusals import refusals

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
        "master_username must be a lower-case letter, then up to 15 letters, digits or _, got St Chat:"
        " choose another, like stchat",
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
        "private_subnet_cidrs must have one range for each of 2 zones, got 10.0.128.0/20: name as many ranges as zones",
    ),
    (
        {"region": "us-east-1"},
        "availability_zones must lie in the region deployed to, got ap-northeast-1a, ap-northeast-1c for us-east-1:"
        " set AWS_REGION=ap-northeast-1, or name zones of us-east-1 in stacks/config.py",
    ),
    (
        {"availability_zones": ("ap-northeast-1a", "ap-northeast-1a")},
        "availability_zones must be 2 or more different zones, got ap-northeast-1a, ap-northeast-1a: Aurora needs"
        " subnets in two; take ap-northeast-1a and another of aws ec2 describe-availability-zones",
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
        "cluster_identifier must be lower-case letters, digits and single hyphens (63 at most), got st.chat:"
        " choose another, like dbclusterstchat",
    ),
    (
        {"master_secret_name": "st chat"},
        "master_secret_name must be letters, digits and /_+=.@- only, 1 to 500 of them, got st chat: choose"
        " another, like st.chat",
    ),
    (
        {"master_secret_name": "st-chat01"},
        "master_secret_name must not end in a hyphen and six characters"
        " (Secrets Manager adds such a suffix to ARNs), got st-chat01: choose another, like st.chat",
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
        "stage must be a lower-case letter, then up to 30 letters, digits or -, got :"
        " it begins the names of stacks; take one like dev",
    ),
    (
        {"account": "12"},
        "account must be 12 digits or None, got 12: None takes the account of the CDK's credentials",
    ),
    (
        {"embedding_model": "eu.cohere.embed-v4:0"},
        "embedding_model must be a profile that ap-northeast-1 may call, got eu.cohere.embed-v4:0: that is for"
        " eu-central-1, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-3; take global.cohere.embed-v4:0, or set"
        " embedding_region",
    ),
    (
        {"memory_expires_after": Duration.days(0)},
        "memory_expires_after must be None or 1 to 36,500 whole days, got 0: take Duration.days(90)",
    ),
    (
        {"history_expires_after": Duration.hours(36)},
        "history_expires_after must be None or 1 to 36,500 whole days, got 1.5: take Duration.days(90)",
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
]


@pytest.mark.parametrize(("change", "problem"), WRONG, ids=[str(sorted(change)) for change, _ in WRONG])
def test_it_is_refused_with_a_hint(change: dict[str, Any], problem: str) -> None:
    assert refusals(change) == [problem]
