"""The chat as a service on Fargate, with a direct connection to the database (docs/transports.md)."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from constructs_lib.fargate_service import FargateService
from stacks.checks import APPLICATION_ROLE
from stacks.config import Settings
from stacks.database import DatabaseStack
from stacks.network import NetworkStack
from stacks.schema import SchemaStack
from stacks.stage_stack import StageStack


class ServiceStack(StageStack):
    """After the schema, whose tables and whose role for IAM it needs. Nothing reaches the tasks from outside."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        network: NetworkStack,
        database: DatabaseStack,
        schema: SchemaStack,
    ) -> None:
        super().__init__(scope, id, settings=settings, description="Chat history and chat memory as a Fargate service")
        self.add_stack_dependency(schema)
        repository, _, tag = (settings.fargate_image or "").partition(":")
        chat = FargateService(
            self,
            "Chat",
            vpc=network.vpc,
            access=database.access,
            cluster=database.database.cluster,
            image=ecs.ContainerImage.from_ecr_repository(
                ecr.Repository.from_repository_name(self, "Repository", repository), tag
            ),
            secret=None if settings.iam_authentication else database.role_secrets[APPLICATION_ROLE],
            database=settings.database_name,
            embedding_model=settings.embedding_model,
            memory_expires_after=settings.memory_expires_after,
            history_expires_after=settings.history_expires_after,
            tasks=settings.fargate_tasks,
        )
        CfnOutput(self, "ServiceName", value=chat.service.service_name)
