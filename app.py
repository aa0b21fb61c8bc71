"""The CDK app: the settings of one stage, three stacks, and the rules they are held to."""

import os
import sys

from aws_cdk import App, Environment

from constructs_lib.guards import guard
from stacks.config import SettingsError, load
from stacks.database import DatabaseStack
from stacks.network import NetworkStack
from stacks.schema import SchemaStack
from stchat.errors import StchatError


def main() -> None:
    app = App()
    settings = load(app.node.try_get_context("stage") or "dev", os.environ.get("CDK_DEFAULT_REGION"))
    props = {
        "settings": settings,
        "env": Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=settings.region),
        "termination_protection": settings.protect_data,
    }
    network = NetworkStack(app, "Network", stack_name=f"st-chat-{settings.stage}-network", **props)
    database = DatabaseStack(app, "Database", network=network, stack_name=f"st-chat-{settings.stage}-database", **props)
    SchemaStack(app, "Schema", database=database, stack_name=f"st-chat-{settings.stage}-schema", **props)
    guard(app)
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (SettingsError, StchatError) as error:
        sys.exit(str(error))
