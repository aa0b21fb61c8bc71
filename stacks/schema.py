"""The databases' schema."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from constructs_lib.data_api_schema import DataApiSchema
from constructs_lib.lambda_code import CHAT_SQL
from stacks.config import Settings
from stacks.database import DatabaseStack
from stacks.stage_stack import StageStack


class SchemaStack(StageStack):
    """Runs sql/ against the cluster. A stack of its own: when SQL fails, only this rolls back."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, database: DatabaseStack) -> None:
        super().__init__(scope, id, settings=settings, description="The chat database's tables and roles")
        schema = DataApiSchema(
            self,
            "Schema",
            directory=CHAT_SQL,
            strict=settings.protect_data,
            cluster=database.database.cluster,
            secret=database.database.secret,
            roles=database.role_secrets,
            global_hnsw_index={settings.database_name: settings.global_hnsw_index},
        )
        self.runner = schema.runner.function
        CfnOutput(self, "DatabaseName", value=settings.database_name)
