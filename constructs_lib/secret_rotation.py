"""Rotation of database secrets over the Data API: a Lambda function outside any VPC, and a schedule a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import validation
from constructs_lib.stchat_function import StchatFunction
from stchat.environment import Settings


class SecretRotation(Construct):
    """Gives each of `secrets`, by construct id, a new password `every` so often, and once when it is deployed.

    `master` is the secret of the user who may change the passwords; `secrets` is that one alone by default, and may
    have it among others. `rotator` is the function. The CDK's own schedule would also grant GetRandomPassword on `*`,
    and let any account's Secrets Manager invoke the function.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: rds.IDatabaseCluster,
        master: secretsmanager.ISecret,
        secrets: Mapping[str, secretsmanager.ISecret] | None = None,
        every: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        every = every or Duration.days(30)
        secrets = {"Master": master} if secrets is None else secrets
        problems = [*interval_problems("every", every)]
        if not secrets:
            problems.append("secrets must have a secret to rotate, got none: leave it out to rotate the master's alone")
        validation.require(self, problems)
        self.rotator = StchatFunction(
            self,
            "Rotator",
            handler="rotation.on_rotation",
            description="Gives database secrets new passwords over the Data API",
            timeout=Duration.minutes(10),
            environment=Settings(cluster.cluster_arn, master.secret_arn).to_environment(),
        )
        function = self.rotator.function
        arns = [secret.secret_arn for secret in secrets.values()]
        for actions, resources in (
            (["rds-data:ExecuteStatement"], [cluster.cluster_arn]),
            # The Data API reads the secrets it logs in with as its caller.
            (["secretsmanager:GetSecretValue"], [master.secret_arn]),
            (
                [
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                arns,
            ),
        ):
            function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
        for secret in (master, *secrets.values()):
            if secret.encryption_key:
                secret.encryption_key.grant_encrypt_decrypt(function)
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

    def grant_rotate(self, grantee: iam.IGrantable, secret: secretsmanager.ISecret) -> iam.Grant:
        """Let `grantee` begin a rotation of `secret` at once."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["secretsmanager:RotateSecret", "secretsmanager:DescribeSecret"],
            resource_arns=[secret.secret_arn],
        )


def interval_problems(field: str, every: Duration) -> Iterator[str]:
    days = every.to_days(integral=False)
    if not 1 <= days <= 1000:
        yield f"{field} must be 1 to 1000 days, got {days:g}: Secrets Manager allows no other"
    elif days * 24 % 1:
        yield f"{field} must be whole hours, got {days * 24:g}: Secrets Manager takes no minutes"
