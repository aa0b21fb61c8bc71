"""An RDS Proxy in front of a cluster, for programs that open many connections. It blocks auto-pause."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.database_access import POSTGRES


def new_proxy(
    scope: Construct,
    id: str,
    *,
    cluster: rds.DatabaseCluster,
    subnets: Sequence[ec2.ISubnet],
    secrets: Sequence[secretsmanager.ISecret],
    security_group: ec2.SecurityGroup,
) -> rds.DatabaseProxy:
    """For the users of `secrets`, with IAM and TLS required, in the cluster's own `security_group`."""
    # Bound to the cluster itself, the CDK would open its port as a reference, which no rule of cdk-nag can judge.
    target = rds.DatabaseCluster.from_database_cluster_attributes(
        scope, f"{id}Target", cluster_identifier=cluster.cluster_identifier, engine=cluster.engine, port=5432
    )
    security_group.add_ingress_rule(security_group, POSTGRES, "PostgreSQL from the RDS Proxy")
    proxy = rds.DatabaseProxy(
        scope,
        id,
        proxy_target=rds.ProxyTarget.from_cluster(target),
        secrets=list(secrets),
        vpc=cluster.vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=list(subnets)),
        security_groups=[security_group],
        iam_auth=True,
        require_tls=True,
    )
    proxy.node.add_dependency(cluster)
    return proxy
