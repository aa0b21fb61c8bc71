"""An app of your own: a database of orders on Aurora PostgreSQL, with its schema deployed over the Data API."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, Stack
from constructs import Construct

from constructs_lib.aurora import AuroraPostgres
from constructs_lib.data_api_schema import DataApiSchema
from constructs_lib.two_tier_vpc import TwoTierVpc

SQL = Path(__file__).parent / "sql"


class OrdersStack(Stack):
    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        network = TwoTierVpc(self, "Network")
        database = AuroraPostgres(self, "Database", vpc=network.vpc)
        DataApiSchema(self, "Schema", directory=SQL, cluster=database.cluster, secret=database.secret)
        CfnOutput(self, "ClusterArn", value=database.cluster.cluster_arn)
        CfnOutput(self, "SecretArn", value=database.secret.secret_arn)
        CfnOutput(self, "DatabaseName", value="orders")


app = App()
OrdersStack(app, "Orders")
app.synth()
