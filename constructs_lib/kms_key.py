"""A customer managed key for what holds a database's rows: its storage, its snapshots and its exported log."""

from __future__ import annotations

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class KmsKey(Construct):
    """`key` changes its material every year; disabling it makes everything under it unreadable.

    `removal_policy` is the cluster's. Where that is SNAPSHOT the key stays: its snapshot could not be read without.
    Grants on the key are for AWS's services alone, such as RDS: a principal cannot pass its use on to another one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        alias: str | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            alias=alias,
            description=f"Storage, snapshots and log of {alias or 'a database'}: without it they cannot be read",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if removal_policy == RemovalPolicy.SNAPSHOT else removal_policy,
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["kms:CreateGrant"],
                resources=["*"],  # in a key's own policy: this key
                conditions={"Bool": {"kms:GrantIsForAWSResource": "false"}},
            )
        )

    def grant_log_group(self, name: str) -> None:
        """Let CloudWatch Logs use the key for one log group, made or not."""
        stack = Stack.of(self)
        log_group = stack.format_arn(
            service="logs", resource="log-group", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                resources=["*"],
                conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group}},
            )
        )
