"""Alarms and a dashboard of one stage. A stack of its own, so that its failure rolls back nothing else."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from constructs_lib.alarms import Alarms
from constructs_lib.dashboard import Dashboard
from stacks.chat import ChatStack
from stacks.config import Settings
from stacks.database import DatabaseStack
from stacks.rotation import RotationStack
from stacks.schema import SchemaStack
from stacks.stage_stack import StageStack


class MonitoringStack(StageStack):
    """Of the stacks in `of`, the rotation's where there is one."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        of: tuple[DatabaseStack, SchemaStack, ChatStack, RotationStack | None],
    ) -> None:
        super().__init__(scope, id, settings=settings, description="Alarms and the dashboard of the chat database")
        database, schema, chat, rotation = of
        aurora = database.database
        alarms = Alarms(self, "Alarms")
        if aurora.capacity.has_serverless:
            alarms.on_capacity_at_maximum(aurora.cluster, settings.max_acu)
        if aurora.capacity.has_provisioned:
            alarms.on_busy_processors(aurora.cluster)
        alarms.on_connections(aurora.cluster, settings.alarm_connections)
        alarms.on_storage(aurora.cluster, settings.alarm_storage_gib)
        alarms.on_old_transactions(aurora.cluster)
        if aurora.log_group:
            alarms.on_failed_logins(aurora.log_group, f"StChat/{settings.stage}")
        functions = {"migrations": schema.runner, "chat": chat.function}
        alarms.on_function("Migration", schema.runner, "a schema deployment failed: its log names file and line")
        alarms.on_function(
            "Chat", chat.function, "the chat function ended without an answer: its log names file and line"
        )
        if rotation:
            functions["rotation"] = rotation.rotator
            alarms.on_function("Rotation", rotation.rotator, "a secret's rotation failed: docs/rotation.md")
            alarms.on_failed_rotations([aurora.secret, *database.role_secrets.values()])
        Dashboard(
            self,
            "Overview",
            name=f"st-chat-{settings.stage}",
            cluster=aurora.cluster,
            functions=functions,
            alarms=alarms.all,
        )
        CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn)
