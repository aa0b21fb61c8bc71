"""What `prod` is watched for: each alarm with its threshold, and that all of it is silent while the cluster sleeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2

from stacks.config import prod
from tests.support.templates import alarms, one, properties, synthesize

PROD = prod()

Template = dict[str, Any]
Of = Callable[[str], dict[str, Template]]

CLUSTER_ALARMS = {
    "CapacityAtMaximum": ("ServerlessDatabaseCapacity", 64, 300, 3),
    "Connections": ("DatabaseConnections", 1600, 300, 1),
    "Storage": ("VolumeBytesUsed", 100 * 1024**3, 3600, 1),
    "OldTransactions": ("MaximumUsedTransactionIDs", 1_000_000_000, 3600, 1),
    "FailedLogins": ("FailedLogins", 10, 300, 1),
}
FUNCTION_ALARMS = {
    f"{name}{what}": (metric, threshold, 300, 1)
    for name, slow in (("Migration", 672_000), ("Chat", 48_000), ("Rotation", 480_000))
    for what, metric, threshold in (("Failed", "Errors", 1), ("Throttled", "Throttles", 1), ("Slow", "Duration", slow))
}


@pytest.fixture
def watching(templates: Of) -> Template:
    return templates("prod")["Monitoring"]


def test_every_alarm_has_its_threshold(watching: Template) -> None:
    found = {
        id: (alarm["MetricName"], alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"])
        for id, alarm in alarms(watching).items()
    }
    assert found == CLUSTER_ALARMS | FUNCTION_ALARMS


def test_every_alarm_notifies_the_one_topic_and_is_off_while_paused(watching: Template) -> None:
    [topic] = [name for name, found in watching["Resources"].items() if found["Type"] == "AWS::SNS::Topic"]
    for id, alarm in alarms(watching).items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], id
        assert alarm["TreatMissingData"] == "notBreaching", id
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", id
        assert alarm["AlarmDescription"], id


def test_always_on_instances_are_watched_by_their_processors() -> None:
    r8g = ec2.InstanceType("r8g.large")
    settings = replace(PROD, writer_instance_type=r8g, reader_instance_type=r8g, auto_pause_after=None)
    found = alarms(synthesize(settings)["Monitoring"])
    assert found["ProcessorsBusy"]["Threshold"] == 90
    assert "CapacityAtMaximum" not in found


def test_failed_logins_are_counted_in_the_exported_log(templates: Of, watching: Template) -> None:
    cluster = one(templates("prod")["Database"], "AWS::RDS::DBCluster")
    assert cluster["EnableCloudwatchLogsExports"] == ["postgresql"]
    names = [group["LogGroupName"] for group in properties(templates("prod")["Database"], "AWS::Logs::LogGroup")]
    assert names == ["/aws/rds/cluster/dbclusterstchat-prod/postgresql"]
    counted = one(watching, "AWS::Logs::MetricFilter")
    assert counted["FilterPattern"] == '?"password authentication failed" ?"no pg_hba.conf entry"'
    [metric] = counted["MetricTransformations"]
    assert (metric["MetricNamespace"], metric["MetricName"]) == ("StChat/prod", "FailedLogins")


def test_a_dead_rotation_is_reported_though_its_function_never_ran(watching: Template) -> None:
    rule = one(watching, "AWS::Events::Rule")
    assert rule["EventPattern"]["source"] == ["aws.secretsmanager"]
    assert rule["EventPattern"]["detail"]["eventName"] == ["RotationFailed", "RotationAbandoned"]
    assert len(rule["EventPattern"]["detail"]["additionalEventData"]["SecretId"]) == 3
    policy = json.dumps(one(watching, "AWS::SNS::TopicPolicy"))
    assert "cloudwatch.amazonaws.com" in policy and "aws:SecureTransport" in policy


def test_the_dashboard_names_what_is_deployed(watching: Template) -> None:
    dashboard = one(watching, "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "st-chat-prod"
    body = json.dumps(dashboard["DashboardBody"])
    for metric in ("ServerlessDatabaseCapacity", "DatabaseConnections", "VolumeBytesUsed", "Errors", "Duration"):
        assert metric in body


def test_dev_is_not_watched_and_exports_no_log(templates: Of) -> None:
    assert "Monitoring" not in templates("dev")
    assert "EnableCloudwatchLogsExports" not in one(templates("dev")["Database"], "AWS::RDS::DBCluster")


def test_every_log_is_kept_for_a_month_and_no_function_makes_its_own(templates: Of) -> None:
    for stage in ("dev", "prod"):
        for template in templates(stage).values():
            groups = properties(template, "AWS::Logs::LogGroup")
            assert {group["RetentionInDays"] for group in groups} <= {30}
            for function in properties(template, "AWS::Lambda::Function"):
                assert "LogGroup" in function["LoggingConfig"]
