"""The Aurora cluster with its master secret, in the private subnets."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib.alarms import Alarms
from constructs_lib.aurora import AuroraPostgres, Capacity
from constructs_lib.guards import ZONES_ARE_SETTINGS, acknowledge
from stacks.config import Settings
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack


class DatabaseStack(StageStack):
    """Holds the data, and nothing whose failure could roll it back."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, network: NetworkStack) -> None:
        super().__init__(
            scope,
            id,
            settings=settings,
            description="The Aurora PostgreSQL cluster that holds chat history and chat memory",
        )
        self.database = AuroraPostgres(
            self,
            "Database",
            identifier=settings.cluster_identifier,
            engine_version=settings.engine_version,
            vpc=network.vpc,
            subnets=network.vpc.isolated_subnets,
            subnet_group_name=settings.subnet_group_name,
            security_group=network.database_security_group,
            master_username=settings.master_username,
            master_secret_name=settings.master_secret_name,
            capacity=Capacity(
                min_acu=settings.min_acu,
                max_acu=settings.max_acu,
                pause_after=settings.pause_after,
                instance_type=settings.instance_type,
            ),
            readers=settings.readers,
            ca_certificate=settings.ca_certificate,
            iam_authentication=settings.iam_authentication,
            insights_mode=settings.insights_mode,
            backup_retention=settings.backup_retention,
            removal_policy=(
                RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.protect_data else RemovalPolicy.SNAPSHOT
            ),
            snapshot_identifier=settings.snapshot_identifier,
        )
        cluster = self.database.cluster
        if settings.rds_proxy:
            proxy = cluster.add_proxy(
                "Proxy",
                secrets=[self.database.secret],
                vpc=network.vpc,
                vpc_subnets=ec2.SubnetSelection(subnets=network.vpc.isolated_subnets),
                security_groups=[network.database_security_group],
                iam_auth=True,
                require_tls=True,
            )
            CfnOutput(self, "ProxyEndpoint", value=proxy.endpoint)
        if settings.alarms:
            alarms = Alarms(self, "Alarms")
            alarms.on_capacity_at_maximum(cluster, settings.max_acu)
            CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn)
        acknowledge(self, {"CloudFormation-Validate::W3010": ZONES_ARE_SETTINGS})
        if not settings.protect_data:
            acknowledge(
                cluster,
                {"AwsSolutions::AwsSolutions-RDS10": "to try things on; deleting it leaves a final snapshot"},
            )
        if not settings.rotate_secrets_every:
            acknowledge(
                self.database.master_secret,
                {"AwsSolutions::AwsSolutions-SMG4": "off in this stage, as in the reference; prod rotates"},
            )
        CfnOutput(self, "ClusterArn", value=cluster.cluster_arn)
        CfnOutput(self, "SecretArn", value=self.database.secret.secret_arn)
        CfnOutput(self, "WriterEndpoint", value=cluster.cluster_endpoint.socket_address)
