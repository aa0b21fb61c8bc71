"""The databases' schema, and a secret for each role that uses it."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib.aurora import UNSAFE_IN_PASSWORDS
from constructs_lib.data_api_schema import DataApiSchema
from constructs_lib.guards import acknowledge
from constructs_lib.stchat_function import SQL
from stacks.config import Settings
from stacks.database import DatabaseStack

# The roles that sql/ creates, and the suffix of the secret that opens each.
ROLES = {"st_chat_app": "app", "st_chat_read": "read"}


class SchemaStack(Stack):
    """Runs sql/ against the cluster. A stack of its own: when SQL fails, only this rolls back."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, database: DatabaseStack, **stack_props: object
    ) -> None:
        super().__init__(scope, id, **stack_props)
        cluster = database.database.cluster
        self.secrets = {}
        for role, suffix in ROLES.items():
            secret = rds.DatabaseSecret(
                self,
                f"{suffix.capitalize()}Secret",
                username=role,
                dbname=settings.database_name,
                secret_name=f"{settings.master_secret_name}.{suffix}",
                exclude_characters=UNSAFE_IN_PASSWORDS,
            )
            if settings.protect_data:
                secret.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
            acknowledge(
                secret,
                {
                    "AwsSolutions::AwsSolutions-SMG4": "a new password comes with the next deploy: see docs/migrations.md"
                },
            )
            self.secrets[role] = secret.attach(cluster)
        self.schema = DataApiSchema(
            self,
            "Schema",
            directory=SQL,
            strict=settings.protect_data,
            cluster=cluster,
            secret=database.database.secret,
            roles=self.secrets,
        )
        CfnOutput(self, "DatabaseName", value=settings.database_name)
        for role, secret in self.secrets.items():
            CfnOutput(self, f"{ROLES[role].capitalize()}SecretArn", value=secret.secret_arn)
