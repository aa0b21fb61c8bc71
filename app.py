"""The CDK app: the stacks of one stage, and the policy checks at synth."""

import os
import sys

from aws_cdk import App

from constructs_lib.policy_checks import add_policy_checks
from stacks.acknowledged import ACKNOWLEDGED
from stacks.chat import ChatStack
from stacks.config import Settings, load
from stacks.database import DatabaseStack
from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.rotation import RotationStack
from stacks.schema import SchemaStack
from stacks.service import ServiceStack
from stchat.errors import StchatError


def build(app: App, settings: Settings) -> None:
    """Make the stacks of one stage in `app`."""
    network = NetworkStack(app, "Network", settings=settings)
    database = DatabaseStack(app, "Database", settings=settings, network=network)
    schema = SchemaStack(app, "Schema", settings=settings, database=database)
    chat = ChatStack(app, "Chat", settings=settings, database=database, schema=schema)
    if settings.fargate_image:
        ServiceStack(app, "Service", settings=settings, network=network, database=database, schema=schema)
    rotation = RotationStack(app, "Rotation", settings=settings, database=database) if settings.rotates else None
    if settings.alarms:
        MonitoringStack(app, "Monitoring", settings=settings, of=(database, schema, chat, rotation))
    add_policy_checks(app, acknowledged=ACKNOWLEDGED if settings.compliance_packs else None)


if __name__ == "__main__":
    app = App()
    try:
        build(app, load(app.node.try_get_context("stage"), os.environ))
    except StchatError as error:
        sys.exit(str(error))
    app.synth()
