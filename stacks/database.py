"""The Aurora cluster in the private subnets, and a secret for its master and for each role that uses it."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy
from constructs import Construct

from constructs_lib.acknowledgments import ZONES_ARE_SETTINGS, acknowledge
from constructs_lib.aurora import AuroraPostgres
from constructs_lib.capacity import Capacity
from constructs_lib.database_access import DatabaseAccess
from constructs_lib.kms_key import KmsKey
from stacks.checks import ROLES
from stacks.config import Settings
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack


class DatabaseStack(StageStack):
    """Holds the data and the secrets that open it, and nothing whose failure could roll it back."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, network: NetworkStack) -> None:
        super().__init__(
            scope,
            id,
            settings=settings,
            description="The Aurora PostgreSQL cluster that holds chat history and chat memory",
        )
        self.access = access = DatabaseAccess(
            self,
            "Access",
            vpc=network.vpc,
            vpc_cidr=settings.vpc_cidr,
            name=settings.security_group_name,
            application_only=settings.application_security_group_only,
        )
        kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.protect_data else RemovalPolicy.SNAPSHOT
        self.database = AuroraPostgres(
            self,
            "Database",
            identifier=settings.cluster_identifier,
            engine_version=settings.engine_version,
            vpc=network.vpc,
            subnets=network.vpc.isolated_subnets,
            subnet_group_name=settings.subnet_group_name,
            security_group=access.database,
            master_username=settings.master_username,
            master_secret_name=settings.master_secret_name,
            capacity=Capacity(
                min_acu=settings.min_acu,
                max_acu=settings.max_acu,
                auto_pause_after=settings.auto_pause_after,
                readers=settings.readers,
                reader_promotion_tier=settings.reader_promotion_tier,
                writer_instance_type=settings.writer_instance_type,
                reader_instance_type=settings.reader_instance_type,
            ),
            ca_certificate=settings.ca_certificate,
            iam_authentication=settings.iam_authentication,
            insights_mode=settings.insights_mode,
            backup_retention=settings.backup_retention,
            removal_policy=kept,
            snapshot_identifier=settings.snapshot_identifier,
            kms_key=(
                KmsKey(self, "StorageKey", alias=settings.cluster_identifier, removal_policy=kept)
                if settings.kms_key
                else None
            ),
            export_log=settings.log_export,
        )
        cluster = self.database.cluster
        self.role_secrets = {
            role: self.database.role_secret(
                f"{suffix.capitalize()}Secret",
                secret_name=f"{settings.master_secret_name}.{suffix}",
                role=role,
                database=settings.database_name,
            )
            for role, suffix in ROLES.items()
        }
        if settings.rds_proxy:
            proxy = self.database.add_proxy(
                "Proxy", secrets=list(self.role_secrets.values()), security_group=access.database
            )
            CfnOutput(self, "ProxyEndpoint", value=proxy.endpoint)
        acknowledge(self, {"CloudFormation-Validate::W3010": ZONES_ARE_SETTINGS})
        if not settings.iam_authentication:
            acknowledge(cluster, {"AwsSolutions::AwsSolutions-RDS6": "a setting: passwords of Secrets Manager alone"})
        if not settings.protect_data:
            acknowledge(
                cluster,
                {"AwsSolutions::AwsSolutions-RDS10": "to try things on; deleting it leaves a final snapshot"},
            )
        rotation = "the Rotation stack does" if settings.rotate_secrets_every else "off in this stage; prod rotates"
        acknowledge(self.database, {"AwsSolutions::AwsSolutions-SMG4": rotation})
        CfnOutput(self, "SecurityGroupId", value=access.database.security_group_id)
        if access.application:
            CfnOutput(self, "ApplicationSecurityGroupId", value=access.application.security_group_id)
        CfnOutput(self, "ClusterArn", value=cluster.cluster_arn)
        CfnOutput(self, "SecretArn", value=self.database.secret.secret_arn)
        for role, secret in self.role_secrets.items():
            CfnOutput(self, f"{ROLES[role].capitalize()}SecretArn", value=secret.secret_arn)
        CfnOutput(self, "WriterEndpoint", value=cluster.cluster_endpoint.socket_address)
