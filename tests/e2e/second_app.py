"""Another team's stack on the same cluster, with the same sql/: run by the CDK CLI in a user's checkout."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.getcwd())  # noqa: PTH109 (the checkout, as `python3 app.py` there would have it)

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import CHAT_SQL, DataApiSchema

app = App()
stack = Stack(app, "Second", env=Environment(account="000000000000", region="ap-northeast-1"))
secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Secret", app.node.get_context("secret"))
DataApiSchema(
    stack,
    "Schema",
    directory=CHAT_SQL,
    strict=False,
    cluster=rds.DatabaseCluster.from_database_cluster_attributes(
        stack, "Cluster", cluster_identifier="dbclusterstchat", secret=secret, data_api_enabled=True
    ),
    secret=secret,
    roles={},
    global_hnsw_index={"st_chat_db": True},
)
app.synth()
