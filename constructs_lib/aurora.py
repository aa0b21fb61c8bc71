"""An Aurora PostgreSQL cluster reached through the Data API, that may pause at 0 ACU."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import cluster_checks, validation
from constructs_lib.acknowledgments import acknowledge
from constructs_lib.capacity import Capacity, instances
from constructs_lib.data_api_grant import grant_data_api
from constructs_lib.kms_key import KmsKey
from constructs_lib.proxy import new_proxy

# Characters that would need escapes in a connection string or in a shell.
UNSAFE_IN_PASSWORDS = "\"'@/\\ %+~`#$&*()|[]{}:;<>?!^,="
# Performance Insights: 7 days are free; the advanced mode of Database Insights takes 15 months.
INSIGHTS_RETENTION = {
    rds.DatabaseInsightsMode.STANDARD: rds.PerformanceInsightRetention.DEFAULT,
    rds.DatabaseInsightsMode.ADVANCED: rds.PerformanceInsightRetention.MONTHS_15,
}


class AuroraPostgres(Construct):
    """A cluster, its master secret (attached, so that it holds host and port too) and its subnet group.

    By default in the isolated subnets of `vpc`, Serverless v2 with one instance that pauses, without an open port: the
    Data API needs none. `identifier`, `subnet_group_name` and `master_secret_name` are CloudFormation's unless given.
    `removal_policy` SNAPSHOT leaves a final snapshot; RETAIN_ON_UPDATE_OR_DELETE leaves cluster, secret and subnet
    group (but cleans up after a creation that failed). `cluster` is the CDK's construct, `secret` the master's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet] | None = None,
        security_group: ec2.ISecurityGroup | None = None,
        identifier: str | None = None,
        subnet_group_name: str | None = None,
        master_username: str = "stchat",
        master_secret_name: str | None = None,
        engine_version: str = validation.DEFAULT_ENGINE_VERSION,
        capacity: Capacity | None = None,
        ca_certificate: rds.CaCertificate = rds.CaCertificate.RDS_CA_RSA4096_G1,
        iam_authentication: bool = True,
        insights_mode: rds.DatabaseInsightsMode = rds.DatabaseInsightsMode.STANDARD,
        backup_retention: Duration | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.SNAPSHOT,
        kms_key: KmsKey | None = None,
        export_log: bool = False,
        snapshot_identifier: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.capacity = capacity = capacity or Capacity()
        self._subnets = subnets = list(vpc.isolated_subnets if subnets is None else subnets)
        backup_retention = backup_retention or Duration.days(7)
        validation.require(
            self,
            [
                *validation.cluster_identifier("identifier", identifier),
                *validation.subnet_group_name("subnet_group_name", subnet_group_name),
                *validation.master_username("master_username", master_username),
                *validation.secret_name("master_secret_name", master_secret_name),
                *validation.engine_version("engine_version", engine_version),
                *cluster_checks.backup_retention("backup_retention", backup_retention),
                *cluster_checks.placement(subnets, identifier, export_log),
            ],
        )
        protected = removal_policy != RemovalPolicy.SNAPSHOT
        self._secrets_removal_policy = removal_policy if protected else RemovalPolicy.DESTROY
        self.master_secret = self._new_secret("MasterSecret", master_secret_name, master_username)
        subnet_group = rds.SubnetGroup(
            self,
            "SubnetGroup",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=subnets),
            subnet_group_name=subnet_group_name,
            description="Private subnets for the chat history and chat memory database",
            removal_policy=self._secrets_removal_policy,
        )

        self._key = kms_key
        self.log_group = self._log_group(identifier) if export_log and identifier else None
        writer, *readers = instances(
            capacity,
            [subnet.availability_zone for subnet in subnets],
            ca_certificate,
            INSIGHTS_RETENTION[insights_mode],
            kms_key.key if kms_key else None,
        )
        self.cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=rds.DatabaseClusterEngine.aurora_postgres(
                version=rds.AuroraPostgresEngineVersion.of(engine_version, engine_version.split(".")[0])
            ),
            engine_lifecycle_support=rds.EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
            credentials=rds.Credentials.from_secret(self.master_secret),
            cluster_identifier=identifier,
            vpc=vpc,
            subnet_group=subnet_group,
            security_groups=[security_group] if security_group else None,
            writer=writer,
            readers=readers,
            serverless_v2_min_capacity=capacity.min_acu if capacity.has_serverless else None,
            serverless_v2_max_capacity=capacity.max_acu if capacity.has_serverless else None,
            serverless_v2_auto_pause_duration=capacity.auto_pause_after,
            enable_data_api=True,
            iam_authentication=iam_authentication,
            storage_encrypted=True,
            storage_encryption_key=self._key.key if self._key else None,
            cloudwatch_logs_exports=["postgresql"] if export_log else None,
            backup=rds.BackupProps(retention=backup_retention),
            copy_tags_to_snapshot=True,
            delete_automated_backups=not protected,
            database_insights_mode=insights_mode,
            enable_performance_insights=True,
            performance_insight_retention=INSIGHTS_RETENTION[insights_mode],
            performance_insight_encryption_key=self._key.key if self._key else None,
            removal_policy=removal_policy,
            deletion_protection=protected,
        )
        resource = self.cluster.node.default_child
        assert isinstance(resource, rds.CfnDBCluster)
        if self.log_group:
            resource.node.add_dependency(self.log_group)  # or Aurora makes one that keeps everything for ever
        for number in range(1, capacity.readers + 1):
            # The CDK knows tiers 1 and 2 of Serverless v2 instances, no others.
            reader = self.cluster.node.find_child(f"Reader{number}").node.default_child
            assert isinstance(reader, rds.CfnDBInstance)
            reader.promotion_tier = capacity.reader_promotion_tier
        if snapshot_identifier:
            # The snapshot brings the master's name; the password becomes the secret's. The CDK's own construct for
            # this (DatabaseClusterFromSnapshot) would make a second secret.
            resource.snapshot_identifier = snapshot_identifier
            resource.master_username = None
            acknowledge(
                self.cluster,
                {"CloudFormation-Validate::F3021": "a restored cluster has the master username of its snapshot"},
            )
        # The secret once it is attached: what refers to it waits until it holds the cluster's address.
        attached = self.cluster.secret
        assert attached is not None
        self.secret: secretsmanager.ISecret = attached

    def role_secret(
        self, id: str, *, role: str, database: str, secret_name: str | None = None
    ) -> secretsmanager.ISecret:
        """A generated password for `role`, which the schema gives it; with the cluster's address, like the master's."""
        problems = [*validation.role_name("role", role), *validation.secret_name("secret_name", secret_name)]
        validation.require(self, [*problems, *validation.database_name("database", database)])
        return self._new_secret(id, secret_name, role, database).attach(self.cluster)

    def grant_data_api(self, grantee: iam.IGrantable, *, secret: secretsmanager.ISecret) -> None:
        """Let `grantee` use the Data API as the user of `secret`: a role's, or the master's (`self.secret`)."""
        grant_data_api(grantee, cluster=self.cluster, secret=secret)

    def add_proxy(
        self, id: str, *, secrets: Sequence[secretsmanager.ISecret], security_group: ec2.SecurityGroup
    ) -> rds.DatabaseProxy:
        """An RDS Proxy for the users of `secrets`, in `security_group`, which is to be the cluster's too."""
        return new_proxy(
            self, id, cluster=self.cluster, subnets=self._subnets, secrets=secrets, security_group=security_group
        )

    def _log_group(self, identifier: str) -> logs.LogGroup:
        """Where Aurora exports its log to. It may hold a row that a constraint refused, so the key covers it."""
        name = f"/aws/rds/cluster/{identifier}/postgresql"
        if self._key:
            self._key.grant_log_group(name)
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=name,
            retention=logs.RetentionDays.ONE_MONTH,
            encryption_key=self._key.key if self._key else None,
            removal_policy=self._secrets_removal_policy,
        )

    def _new_secret(self, id: str, name: str | None, username: str, database: str | None = None) -> rds.DatabaseSecret:
        secret = rds.DatabaseSecret(
            self,
            id,
            secret_name=name,
            username=username,
            dbname=database,
            exclude_characters=UNSAFE_IN_PASSWORDS,
        )
        secret.apply_removal_policy(self._secrets_removal_policy)
        return secret
