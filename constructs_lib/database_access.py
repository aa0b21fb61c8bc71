"""Which clients may open a connection to the database: the security groups around it."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib import validation

POSTGRES = ec2.Port.tcp(5432)


class DatabaseAccess(Construct):
    """The database's security group, which admits PostgreSQL from the whole VPC or from the application's group alone.

    `application` is the group of the application's tasks; None where the VPC is admitted. `vpc_cidr` is the VPC's
    range by default; give it as text if cdk-nag runs, whose rule EC23 cannot judge a reference. What uses the Data
    API alone needs neither.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        vpc_cidr: str | None = None,
        name: str | None = None,
        application_only: bool = False,
    ) -> None:
        super().__init__(scope, id)
        validation.require(self, validation.security_group_name("name", name))
        self.database = ec2.SecurityGroup(
            self,
            "Database",
            vpc=vpc,
            security_group_name=name,
            description="PostgreSQL for the chat history and chat memory",
        )
        self.application: ec2.SecurityGroup | None = None
        if application_only:
            self.application = ec2.SecurityGroup(
                self,
                "Application",
                vpc=vpc,
                security_group_name=f"{name}.app" if name else None,
                description="The application that may connect to the chat database",
            )
            self.database.add_ingress_rule(self.application, POSTGRES, "PostgreSQL from the application")
        else:
            peer = ec2.Peer.ipv4(vpc_cidr or vpc.vpc_cidr_block)
            self.database.add_ingress_rule(peer, POSTGRES, "PostgreSQL from the VPC")

    def grant_connect(self, peer: ec2.ISecurityGroup, description: str = "PostgreSQL from another group") -> None:
        """Admit TCP 5432 from `peer`."""
        self.database.add_ingress_rule(peer, POSTGRES, description)
