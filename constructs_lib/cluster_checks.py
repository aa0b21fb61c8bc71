"""What Aurora refuses in a cluster's backups and placement; each check yields problems, as those of validation.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2


def backup_retention(field: str, retention: Duration) -> Iterator[str]:
    days = retention.to_days(integral=False)
    if not 1 <= days <= 35 or days % 1:
        yield f"{field} must be 1 to 35 whole days, got {days:g}: Aurora allows no other period"


def placement(subnets: Sequence[ec2.ISubnet], identifier: str | None, export_log: bool) -> Iterator[str]:
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        yield (
            f"subnets must lie in 2 or more zones, got {len(subnets)} subnets:"
            " take a VPC with isolated subnets in two zones (TwoTierVpc), or name the subnets"
        )
    if export_log and not identifier:
        yield "identifier must be set with export_log, got None: the log group is named after it"
