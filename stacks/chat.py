"""The chat's operations for applications that call a function instead of importing the library."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from constructs_lib.chat_function import ChatFunction
from stacks.checks import APPLICATION_ROLE
from stacks.config import Settings
from stacks.database import DatabaseStack
from stacks.schema import SchemaStack
from stacks.stage_stack import StageStack


class ChatStack(StageStack):
    """After the schema, whose tables and whose password of the role the function needs."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, database: DatabaseStack, schema: SchemaStack
    ) -> None:
        super().__init__(scope, id, settings=settings, description="Chat history and chat memory as a function")
        self.add_stack_dependency(schema)
        chat = ChatFunction(
            self,
            "Chat",
            cluster=database.database.cluster,
            secret=database.role_secrets[APPLICATION_ROLE],
            database=settings.database_name,
            embedding_model=settings.embedding_model,
            memory_expires_after=settings.memory_expires_after,
            history_expires_after=settings.history_expires_after,
            embedding_region=settings.embedding_region,
            timeout=settings.chat_timeout,
            memory_mib=settings.chat_memory_mib,
            reserved_concurrency=settings.chat_reserved_concurrency,
        )
        self.function = chat.function
        CfnOutput(self, "ChatFunctionName", value=chat.function.function_name)
        CfnOutput(self, "ChatFunctionUrl", value=chat.url)
