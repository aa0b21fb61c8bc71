"""A VPC of public and private subnets at exactly the ranges given, with no hint of the private ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jsii
from aws_cdk import Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct


class TwoTierVpc(Construct):
    """One public and one private subnet a zone, Name tags like the console's wizard gives them."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        cidr: str,
        availability_zones: Sequence[str],
        public_cidrs: Sequence[str],
        private_cidrs: Sequence[str],
        flow_logs: bool,
    ) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=f"{name}-vpc",
            ip_addresses=_GivenRanges(cidr, [*public_cidrs, *private_cidrs]),
            availability_zones=list(availability_zones),
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
