"""The databases' schema, and a secret for each role that uses it."""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.alarms import Alarms
from constructs_lib.aurora import UNSAFE_IN_PASSWORDS
from constructs_lib.data_api_schema import DataApiSchema
from constructs_lib.guards import acknowledge
from constructs_lib.stchat_function import SQL
from stacks.config import Settings
from stacks.database import DatabaseStack
from stacks.stage_stack import StageStack

# The roles that sql/ creates, and the suffix of the secret that opens each.
ROLES = {"st_chat_app": "app", "st_chat_read": "read"}


class SchemaStack(StageStack):
    """Runs sql/ against the cluster. A stack of its own: when SQL fails, only this rolls back."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, database: DatabaseStack) -> None:
        super().__init__(
            scope, id, settings=settings, description="The chat database's tables, roles and their secrets"
        )
        cluster = database.database.cluster
        self.secrets: dict[str, secretsmanager.ISecret] = {}
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
                {"AwsSolutions::AwsSolutions-SMG4": "off in this stage, as in the reference; prod rotates"},
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
        if settings.alarms:
            alarms = Alarms(self, "Alarms")
            alarms.on_errors("MigrationFailed", self.schema.runner.function, "a schema deployment failed: see its log")
            CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn)
        CfnOutput(self, "DatabaseName", value=settings.database_name)
        for role, attached in self.secrets.items():
            CfnOutput(self, f"{ROLES[role].capitalize()}SecretArn", value=attached.secret_arn)
