"""The rights that a caller of the Data API needs: on the cluster, and on the secret that it logs in with."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

CALLS = ("ExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction")
ALL_CALLS = (
    "BatchExecuteStatement",
    "BeginTransaction",
    "CommitTransaction",
    "ExecuteStatement",
    "RollbackTransaction",
)


def grant_data_api(
    grantee: iam.IGrantable,
    *,
    cluster: rds.IDatabaseCluster,
    secret: secretsmanager.ISecret,
    calls: Sequence[str] = ALL_CALLS,
) -> None:
    """Let `grantee` send `calls` to `cluster` as the user of `secret`, which the Data API reads as its caller."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=[f"rds-data:{call}" for call in calls], resources=[cluster.cluster_arn])
    )
    secret.grant_read(grantee)


def grant_application(
    function: lambda_.Function, *, cluster: rds.IDatabaseCluster, secret: secretsmanager.ISecret
) -> None:
    """Let `function` do what `stchat` does as the user of `secret`, and nothing else: one call an operation; an answer
    of over 1 MiB is read through a cursor, in a transaction."""
    for actions, resource in (
        ([f"rds-data:{call}" for call in CALLS], cluster.cluster_arn),
        # The Data API reads the secret it logs in with as its caller.
        (["secretsmanager:GetSecretValue"], secret.secret_arn),
    ):
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
    if secret.encryption_key:
        secret.encryption_key.grant_decrypt(function)
