"""Alarms that tell somebody, by one topic that whoever is on call subscribes to."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns
from constructs import Construct


class Alarms(Construct):
    """A topic, and alarms that publish to it. No data, as of a sleeping cluster, is no alarm."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)

    def on_capacity_at_maximum(self, cluster: rds.DatabaseCluster, max_acu: float) -> None:
        """The cluster has used all the capacity it may for 15 minutes: queries wait."""
        self._alarm(
            "CapacityAtMaximum",
            cluster.metric("ServerlessDatabaseCapacity", statistic="max", period=Duration.minutes(5)),
            threshold=max_acu,
            periods=3,
            description=f"Aurora at its maximum of {max_acu:g} ACU for 15 min: raise max_acu, or look for slow queries",
        )

    def on_errors(self, id: str, function: lambda_.IFunction, description: str) -> None:
        """The function has failed at least once."""
        self._alarm(id, function.metric_errors(period=Duration.minutes(5)), 1, 1, description)

    def _alarm(self, id: str, metric: cloudwatch.Metric, threshold: float, periods: int, description: str) -> None:
        alarm = metric.create_alarm(
            self,
            id,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
