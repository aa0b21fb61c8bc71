"""A VPC of public and private subnets at exactly the ranges given; the private ones have no route out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import Any

import jsii
from aws_cdk import Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import validation

PRIVATE_FROM = 8
"""Of 16 equal parts of the VPC's range: public subnets have those from 0, private ones those from here."""


class TwoTierVpc(Construct):
    """One public and one private subnet for each zone, Name tags like the console's wizard gives them.

    `name` is the stack's by default, the zones the stack's first two, the subnets' ranges sixteenths of `cidr`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str | None = None,
        cidr: str = "10.0.0.0/16",
        availability_zones: Sequence[str] | None = None,
        public_cidrs: Sequence[str] | None = None,
        private_cidrs: Sequence[str] | None = None,
        flow_logs: bool = False,
    ) -> None:
        super().__init__(scope, id)
        name = name or Stack.of(self).stack_name
        zones = list(availability_zones or Stack.of(self).availability_zones[:2])
        validation.require(self, [*validation.tag_prefix("name", name), *_cidr_problems(cidr, len(zones))])
        public = list(public_cidrs or _parts(cidr, 0, len(zones)))
        private = list(private_cidrs or _parts(cidr, PRIVATE_FROM, len(zones)))
        tiers = (("public_cidrs", public), ("private_cidrs", private))
        validation.require(self, validation.networks(("cidr", cidr), tiers, len(zones)))
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=f"{name}-vpc",
            ip_addresses=_GivenRanges(cidr, [*public, *private]),
            availability_zones=zones,
            nat_gateways=0,
            # The default group is left as AWS makes it: emptying it takes a custom resource of the CDK's.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        for tier, subnets in (("public", self.vpc.public_subnets), ("private", self.vpc.isolated_subnets)):
            for number, subnet in enumerate(subnets, 1):
                Tags.of(subnet).add("Name", f"{name}-subnet-{tier}{number}-{subnet.availability_zone}")
        if flow_logs:
            records = logs.LogGroup(self, "FlowLogs", retention=logs.RetentionDays.ONE_MONTH)
            self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(records))


def _cidr_problems(cidr: str, zones: int) -> Iterator[str]:
    yield from validation.networks(("cidr", cidr), (), zones)
    if not 2 <= zones <= PRIVATE_FROM:
        yield f"availability_zones must be 2 to {PRIVATE_FROM} zones, got {zones}: a database needs subnets in two"


def _parts(cidr: str, first: int, count: int) -> list[str]:
    network = IPv4Network(cidr)
    parts = list(network.subnets(new_prefix=min(network.prefixlen + 4, 32)))
    return [str(part) for part in parts[first : first + count]]


@jsii.implements(ec2.IIpAddresses)
class _GivenRanges:
    """Hands the VPC its subnets' ranges as they are, instead of cutting them out of the VPC's one by one."""

    def __init__(self, vpc_cidr: str, subnet_cidrs: Sequence[str]) -> None:
        self._vpc_cidr = vpc_cidr
        self._subnet_cidrs = subnet_cidrs

    @jsii.member(jsii_name="allocateVpcCidr")
    def allocate_vpc_cidr(self) -> ec2.VpcIpamOptions:
        return ec2.VpcIpamOptions(cidr_block=self._vpc_cidr)

    @jsii.member(jsii_name="allocateSubnetsCidr")
    def allocate_subnets_cidr(self, *_request: Any, **_keywords: Any) -> ec2.SubnetIpamOptions:
        return ec2.SubnetIpamOptions(allocated_subnets=[ec2.AllocatedSubnet(cidr=cidr) for cidr in self._subnet_cidrs])
