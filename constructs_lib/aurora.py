"""An Aurora PostgreSQL cluster reached through the Data API, that may sleep at 0 ACU."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.capacity import Capacity, instance
from constructs_lib.kms_key import KmsKey
from constructs_lib.policy_checks import acknowledge

# Characters that would need escapes in a connection string or in a shell.
UNSAFE_IN_PASSWORDS = "\"'@/\\ %+~`#$&*()|[]{}:;<>?!^,="


class AuroraPostgres(Construct):
    """A cluster, its master secret (attached, so that it holds host and port too) and its subnet group.

    `removal_policy` SNAPSHOT leaves a final snapshot; RETAIN_ON_UPDATE_OR_DELETE leaves cluster, secret and
    subnet group (but cleans up after a creation that failed).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        identifier: str,
        engine_version: str,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        subnet_group_name: str,
        security_group: ec2.ISecurityGroup,
        master_username: str,
        master_secret_name: str,
        capacity: Capacity,
        ca_certificate: rds.CaCertificate,
        iam_authentication: bool,
        insights_mode: rds.DatabaseInsightsMode,
        backup_retention: Duration,
        removal_policy: RemovalPolicy,
        kms_key: KmsKey | None = None,
        export_log: bool = False,
        snapshot_identifier: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.capacity = capacity
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
        self.log_group = self._log_group(identifier) if export_log else None
        zones = [subnet.availability_zone for subnet in subnets]
        self.cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=rds.DatabaseClusterEngine.aurora_postgres(
                version=rds.AuroraPostgresEngineVersion.of(engine_version, engine_version.split(".")[0])
            ),
            credentials=rds.Credentials.from_secret(self.master_secret),
            cluster_identifier=identifier,
            vpc=vpc,
            subnet_group=subnet_group,
            security_groups=[security_group],
            writer=instance(
                "Writer", capacity.writer_instance_type, tier=0, zone=zones[0], ca_certificate=ca_certificate
            ),
            readers=[
                instance(
                    f"Reader{number}",
                    capacity.reader_instance_type,
                    tier=capacity.reader_promotion_tier,
                    zone=zones[number % len(zones)],
                    ca_certificate=ca_certificate,
                )
                for number in range(1, capacity.readers + 1)
            ],
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
            database_insights_mode=insights_mode,
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
        # The secret once it is attached: whoever refers to it waits until it holds the cluster's address.
        attached = self.cluster.secret
        assert attached is not None
        self.secret = attached

    def role_secret(self, id: str, *, secret_name: str, role: str, database: str) -> secretsmanager.ISecret:
        """A generated password for `role`, which the schema gives it; with the cluster's address, like the master's."""
        return self._new_secret(id, secret_name, role, database).attach(self.cluster)

    def _log_group(self, identifier: str) -> logs.LogGroup:
        """Where Aurora exports its log to. It may hold a row that a constraint refused, so the key covers it."""
        name = f"/aws/rds/cluster/{identifier}/postgresql"
        if self._key:
            self._key.admit_log_group(name)
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=name,
            retention=logs.RetentionDays.ONE_MONTH,
            encryption_key=self._key.key if self._key else None,
            removal_policy=self._secrets_removal_policy,
        )

    def _new_secret(self, id: str, name: str, username: str, database: str | None = None) -> rds.DatabaseSecret:
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
