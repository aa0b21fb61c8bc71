"""CloudWatch alarms that publish to one SNS topic, to which the operators on call subscribe.

No data is no alarm: a paused cluster publishes no metrics but its capacity, which is 0, and a function that is not
called none at all. What each alarm means and what to do: docs/production.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import validation
from stchat.errors import SettingsError

MINUTES_5 = Duration.minutes(5)
# Half of the 2^31 after which PostgreSQL refuses to write; autovacuum begins in earnest at 200 million.
OLD_TRANSACTIONS = 1_000_000_000
# A rotation refuses one login or two; guessed passwords are refused more often.
FAILED_LOGINS = 10
CPU_PERCENT = 90
DURATION_OF_TIMEOUT = 0.8


class Alarms(Construct):
    """A topic, and alarms that publish to it: each `on_...` adds one. `all` of them, for a dashboard."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        # A topic with a policy of its own has lost the one that lets the account's services publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        self.all: list[cloudwatch.Alarm] = []

    def grant_subscribe(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` subscribe to the alarms."""
        return self.topic.grant_subscribe(grantee)

    def on_capacity_at_maximum(self, cluster: rds.IDatabaseCluster, max_acu: float) -> None:
        """Serverless v2 has used all the capacity it may for 15 minutes: queries wait."""
        self._positive("max_acu", max_acu)
        self._alarm(
            "CapacityAtMaximum",
            cluster.metric("ServerlessDatabaseCapacity", statistic="max", period=MINUTES_5),
            max_acu,
            f"Aurora at its maximum of {max_acu:g} ACU for 15 min: raise max_acu, or look for slow queries",
            periods=3,
        )

    def on_busy_processors(self, cluster: rds.IDatabaseCluster) -> None:
        """The same of provisioned instances."""
        self._alarm(
            "ProcessorsBusy",
            cluster.metric_cpu_utilization(statistic="max", period=MINUTES_5),
            CPU_PERCENT,
            f"an instance at {CPU_PERCENT} % of its processors for 15 min: a larger class, or look for slow queries",
            periods=3,
        )

    def on_connections(self, cluster: rds.IDatabaseCluster, most: int) -> None:
        self._positive("most", most)
        self._alarm(
            "Connections",
            cluster.metric_database_connections(statistic="max", period=MINUTES_5),
            most,
            f"{most} connections or more: a client connects without the Data API, or does not close",
        )

    def on_storage(self, cluster: rds.IDatabaseCluster, gib: int) -> None:
        """Aurora's storage grows by itself; this is about what it costs."""
        self._positive("gib", gib)
        self._alarm(
            "Storage",
            cluster.metric("VolumeBytesUsed", statistic="max", period=Duration.hours(1)),
            gib * 1024**3,
            f"{gib} GiB of storage or more: delete what is old, or raise alarm_storage_gib",
        )

    def on_old_transactions(self, cluster: rds.IDatabaseCluster) -> None:
        """Autovacuum does not keep up; it does not run while the cluster is paused."""
        self._alarm(
            "OldTransactions",
            cluster.metric("MaximumUsedTransactionIDs", statistic="max", period=Duration.hours(1)),
            OLD_TRANSACTIONS,
            "half of the transaction ids are used: a forgotten transaction or slot keeps vacuum from freezing rows",
        )

    def on_failed_logins(self, log_group: logs.ILogGroup, namespace: str) -> None:
        """Aurora PostgreSQL has no metric of them: its exported log is counted."""
        found = logs.MetricFilter(
            self,
            "FailedLoginFilter",
            log_group=log_group,
            filter_pattern=logs.FilterPattern.any_term("password authentication failed", "no pg_hba.conf entry"),
            metric_namespace=namespace,
            metric_name="FailedLogins",
            metric_value="1",
        )
        self._alarm(
            "FailedLogins",
            found.metric(statistic="sum", period=MINUTES_5),
            FAILED_LOGINS,
            f"{FAILED_LOGINS} refused logins or more in 5 min: a client with an old password, or guessed passwords",
        )

    def on_function(self, id: str, function: lambda_.Function, errors: str) -> None:
        """It failed (`errors` names the cause), was refused to run, or needed most of its time."""
        if function.timeout is None:
            problem = "function must have a timeout, got None: set it, so that the alarm knows what is slow"
            raise SettingsError(f"{self.node.path}: {problem}")
        limit = int(function.timeout.to_milliseconds() * DURATION_OF_TIMEOUT)
        self._alarm(f"{id}Failed", function.metric_errors(period=MINUTES_5), 1, errors)
        self._alarm(
            f"{id}Throttled",
            function.metric_throttles(period=MINUTES_5),
            1,
            "Lambda refused to run it: the account's concurrent executions are used up",
        )
        self._alarm(
            f"{id}Slow",
            function.metric_duration(statistic="max", period=MINUTES_5),
            limit,
            f"it ran {limit / 1000:g} s or longer, and is stopped after {function.timeout.to_seconds():g}",
        )

    def on_failed_rotations(self, secrets: Sequence[secretsmanager.ISecret]) -> None:
        """Also one that never reached its function. Needs a CloudTrail trail: Secrets Manager's events come by it."""
        events.Rule(
            self,
            "RotationDead",
            description="A rotation of the chat database's secrets failed or was given up",
            event_pattern=events.EventPattern(
                source=["aws.secretsmanager"],
                detail_type=["AWS Service Event via CloudTrail"],
                detail={
                    "eventName": ["RotationFailed", "RotationAbandoned"],
                    "additionalEventData": {"SecretId": [secret.secret_arn for secret in secrets]},
                },
            ),
            targets=[targets.SnsTopic(self.topic, authorize_using_role=True)],
        )

    def _positive(self, field: str, value: float) -> None:
        problem = f"{field} must be above 0, got {value:g}: the alarm would ring all the time"
        validation.require(self, [] if value > 0 else [problem])

    def _alarm(
        self, id: str, metric: cloudwatch.Metric, threshold: float, description: str, *, periods: int = 1
    ) -> None:
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
        self.all.append(alarm)
