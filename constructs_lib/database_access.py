"""Who may open a connection to the database: the security groups around it."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

POSTGRES = ec2.Port.tcp(5432)


class DatabaseAccess(Construct):
    """The database's security group, which admits PostgreSQL from the whole VPC or from the application's group alone.

    `application` is the group that the application's tasks will have; None where the VPC is admitted.
    """

    def __init__(
        self, scope: Construct, id: str, *, vpc: ec2.IVpc, vpc_cidr: str, name: str, application_only: bool
    ) -> None:
        super().__init__(scope, id)
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
                security_group_name=f"{name}.app",
                description="The application that may connect to the chat database",
            )
            self.database.add_ingress_rule(self.application, POSTGRES, "PostgreSQL from the application")
        else:
            # A literal range: cdk-nag's EC23 cannot judge a reference to the VPC's.
            self.database.add_ingress_rule(ec2.Peer.ipv4(vpc_cidr), POSTGRES, "PostgreSQL from the VPC")
