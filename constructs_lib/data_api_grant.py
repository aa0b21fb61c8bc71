"""The rights that a caller of the Data API needs: on the cluster, and on the secret that it logs in with."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
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
