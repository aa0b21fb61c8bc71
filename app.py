"""The CDK app: the settings of one stage, its stacks, and the rules they are held to."""

import os
import sys

from aws_cdk import App

from constructs_lib.policy_checks import add_policy_checks
from stacks.checks import SettingsError
from stchat.errors import StchatError

try:
    from stacks.acknowledged import ACKNOWLEDGED
    from stacks.chat import ChatStack
    from stacks.config import Settings, load
    from stacks.database import DatabaseStack
    from stacks.monitoring import MonitoringStack
    from stacks.network import NetworkStack
    from stacks.rotation import RotationStack
    from stacks.schema import SchemaStack
except SettingsError as error:  # the stages are made as they are imported
    sys.exit(str(error))


def build(app: App, settings: Settings) -> None:
    """Make the stacks of one stage in `app`."""
    network = NetworkStack(app, "Network", settings=settings)
    database = DatabaseStack(app, "Database", settings=settings, network=network)
    schema = SchemaStack(app, "Schema", settings=settings, database=database)
    chat = ChatStack(app, "Chat", settings=settings, database=database, schema=schema)
    rotation = None
    if settings.rotate_secrets_every:
        rotation = RotationStack(
            app, "Rotation", settings=settings, database=database, every=settings.rotate_secrets_every
        )
    if settings.alarms:
        MonitoringStack(
            app, "Monitoring", settings=settings, database=database, schema=schema, chat=chat, rotation=rotation
        )
    add_policy_checks(app, acknowledged=ACKNOWLEDGED if settings.compliance_packs else None)


if __name__ == "__main__":
    app = App()
    try:
        settings = load(
            app.node.try_get_context("stage") or "dev",
            region=os.environ.get("CDK_DEFAULT_REGION"),
            account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        )
        build(app, settings)
    except (SettingsError, StchatError) as error:
        sys.exit(str(error))
    app.synth()
