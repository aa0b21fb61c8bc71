"""Rotation of database secrets over the Data API: a Lambda function outside any VPC, and a schedule a secret."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.stchat_function import StchatFunction


class SecretRotation(Construct):
    """Gives each of `secrets`, by construct id, a new password `every` so often, and once when it is deployed.

    `master` is the secret of the user who may change the passwords; it may be one of them. `rotator` is the
    function. The CDK's own schedule would also grant GetRandomPassword on `*`, and let any account's Secrets Manager
    invoke the function.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: rds.IDatabaseCluster,
        master: secretsmanager.ISecret,
        secrets: Mapping[str, secretsmanager.ISecret],
        every: Duration,
    ) -> None:
        super().__init__(scope, id)
        self.rotator = StchatFunction(
            self,
            "Rotator",
            handler="stchat.handlers.rotation.on_rotation",
            description="Gives database secrets new passwords over the Data API",
            timeout=Duration.minutes(10),
            environment={"STCHAT_CLUSTER_ARN": cluster.cluster_arn, "STCHAT_SECRET_ARN": master.secret_arn},
        )
        function = self.rotator.function
        arns = [secret.secret_arn for secret in secrets.values()]
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["rds-data:ExecuteStatement"], resources=[cluster.cluster_arn])
        )
        # The Data API reads the secrets it logs in with as its caller.
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[master.secret_arn])
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                resources=arns,
            )
        )
        function.add_permission(
            "SecretsManager",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=Stack.of(self).account,
        )
        for name, secret in secrets.items():
            schedule = secretsmanager.CfnRotationSchedule(
                self,
                name,
                secret_id=secret.secret_arn,
                rotation_lambda_arn=function.function_arn,
                rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                    schedule_expression=events.Schedule.rate(every).expression_string
                ),
            )
            # The first rotation begins at once: the instances, the permission and the function's policy come before it.
            schedule.node.add_dependency(cluster, self.rotator)
