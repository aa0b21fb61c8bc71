"""The VPC that the database lies in. The application itself needs none of it: it uses the Data API."""

from __future__ import annotations

from constructs import Construct

from constructs_lib.acknowledgments import ZONES_ARE_SETTINGS, acknowledge
from constructs_lib.two_tier_vpc import TwoTierVpc
from stacks.config import Settings
from stacks.stage_stack import StageStack


class NetworkStack(StageStack):
    """Two public subnets, kept for a web tier, and two private ones without a route out."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id, settings=settings, description="The VPC of the chat database")
        self.vpc = TwoTierVpc(
            self,
            "Network",
            name=settings.network_name,
            cidr=settings.vpc_cidr,
            availability_zones=settings.availability_zones,
            public_cidrs=settings.public_subnet_cidrs,
            private_cidrs=settings.private_subnet_cidrs,
            flow_logs=settings.flow_logs,
        ).vpc
        acknowledge(self, {"CloudFormation-Validate::W3010": ZONES_ARE_SETTINGS})
        if not settings.flow_logs:
            acknowledge(
                self.vpc, {"AwsSolutions::AwsSolutions-VPC7": "nothing but the database is in it; prod keeps flow logs"}
            )
