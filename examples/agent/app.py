"""Two agents as one Lambda function, on the cluster that STCHAT_CLUSTER_ARN and STCHAT_APP_SECRET_ARN name."""

from __future__ import annotations

import os
from pathlib import Path

from aws_cdk import App, CfnOutput, Environment, Stack
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import AgentFunction


class AgentStack(Stack):
    def __init__(self, scope: Construct, id: str, *, cluster_arn: str, secret_arn: str) -> None:
        _, _, _, region, account, _, identifier = cluster_arn.split(":")
        super().__init__(scope, id, env=Environment(account=account, region=region))
        agent = AgentFunction(
            self,
            "Agent",
            directory=Path(__file__).parent / "function",
            handler="agent.handler.handler",
            cluster=rds.DatabaseCluster.from_database_cluster_attributes(
                self, "Cluster", cluster_identifier=identifier
            ),
            secret=secretsmanager.Secret.from_secret_complete_arn(self, "AppSecret", secret_arn),
            chat_model=self.node.try_get_context("chat-model"),
        )
        CfnOutput(self, "AgentFunctionName", value=agent.function.function_name)


app = App()
AgentStack(
    app,
    "st-chat-agent",
    cluster_arn=os.environ["STCHAT_CLUSTER_ARN"],
    secret_arn=os.environ["STCHAT_APP_SECRET_ARN"],
)
app.synth()
