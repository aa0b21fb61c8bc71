"""The VPC, and the security groups that decide who may open a connection to the database."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib.guards import ZONES_ARE_SETTINGS, acknowledge
from constructs_lib.two_tier_vpc import TwoTierVpc
from stacks.config import Settings
from stacks.stage_stack import StageStack

POSTGRES = ec2.Port.tcp(5432)


class NetworkStack(StageStack):
    """The network that the database lies in. The application itself needs none of it: it uses the Data API."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id, settings=settings, description="The VPC and security groups of the chat database")
        network = TwoTierVpc(
            self,
            "Network",
            name=settings.network_name,
            cidr=settings.vpc_cidr,
            availability_zones=settings.availability_zones,
            public_cidrs=settings.public_subnet_cidrs,
            private_cidrs=settings.private_subnet_cidrs,
            flow_logs=settings.flow_logs,
        )
        self.vpc = network.vpc
        self.database_security_group = ec2.SecurityGroup(
            self,
            "DatabaseSecurityGroup",
            vpc=self.vpc,
            security_group_name=settings.security_group_name,
            description="PostgreSQL for the chat history and chat memory",
        )
        if settings.application_security_group_only:
            application = ec2.SecurityGroup(
                self,
                "ApplicationSecurityGroup",
                vpc=self.vpc,
                security_group_name=f"{settings.security_group_name}.app",
                description="The application that may open connections to the chat database",
            )
            self.database_security_group.add_ingress_rule(application, POSTGRES, "PostgreSQL from the application")
            CfnOutput(self, "ApplicationSecurityGroupId", value=application.security_group_id)
        else:
            self.database_security_group.add_ingress_rule(
                ec2.Peer.ipv4(settings.vpc_cidr), POSTGRES, "PostgreSQL from the VPC"
            )
        CfnOutput(self, "SecurityGroupId", value=self.database_security_group.security_group_id)
        acknowledge(self, {"CloudFormation-Validate::W3010": ZONES_ARE_SETTINGS})
        if not settings.flow_logs:
            acknowledge(
                self.vpc,
                {"AwsSolutions::AwsSolutions-VPC7": "nothing runs in this VPC but the database; prod keeps them"},
            )
