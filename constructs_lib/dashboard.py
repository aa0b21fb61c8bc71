"""A dashboard: the state of the alarms, the metrics of the cluster and of the functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib import validation

PERIOD = Duration.minutes(5)
WIDE, HALF, HEIGHT = 24, 12, 6


class Dashboard(Construct):
    """`functions` by the name that the graphs show. Reading it resumes no cluster: metrics are CloudWatch's."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: rds.IDatabaseCluster,
        name: str | None = None,
        functions: Mapping[str, lambda_.IFunction] | None = None,
        alarms: Sequence[cloudwatch.IAlarm] = (),
    ) -> None:
        super().__init__(scope, id)
        functions = functions or {}
        validation.require(self, _problems(name))

        def of_cluster(metric: str, statistic: str = "max") -> cloudwatch.Metric:
            return cluster.metric(metric, statistic=statistic, period=PERIOD)

        graphs = {
            "Capacity in ACU (0: paused)": [of_cluster("ServerlessDatabaseCapacity")],
            "Processors and capacity in use, %": [of_cluster("CPUUtilization"), of_cluster("ACUUtilization")],
            "Connections": [of_cluster("DatabaseConnections")],
            "Storage in bytes": [of_cluster("VolumeBytesUsed")],
            "Reads and writes of the storage": [of_cluster(f"Volume{which}IOPs", "sum") for which in ("Read", "Write")],
            "Commits a second": [of_cluster("CommitThroughput", "avg")],
            "Failed calls": [
                function.metric_errors(label=label, period=PERIOD) for label, function in functions.items()
            ],
            "Longest calls, ms": [
                function.metric_duration(label=label, statistic="max", period=PERIOD)
                for label, function in functions.items()
            ],
        }
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name, default_interval=Duration.days(1))
        if alarms:
            dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WIDE))
        dashboard.add_widgets(
            *(
                cloudwatch.GraphWidget(title=title, left=metrics, width=HALF, height=HEIGHT)
                for title, metrics in graphs.items()
                if metrics
            )
        )


def _problems(name: str | None) -> Iterator[str]:
    if validation.is_resolved(name) and not re.fullmatch(r"[\w-]{1,255}", str(name), re.ASCII):
        yield f"name must be 1 to 255 letters, digits, - and _, got {validation.shortened(str(name))}"
