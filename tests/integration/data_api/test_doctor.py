"""stchat doctor against a control plane and the database behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import psycopg
import pytest

from stchat.ops.cli.main import main
from stchat.ops.cluster_reader import ACTIONS, ACTIONS_OF_DATABASES
from tests.support.control_plane import LocalAws

Run = Callable[..., tuple[int, Any]]


def _action(event: str) -> str:
    _, service, operation = event.split(".")
    return f"{service.replace('secrets-manager', 'secretsmanager')}:{operation}"


@pytest.fixture
def called() -> set[str]:
    """The actions that were called, as IAM names them."""
    return set()


@pytest.fixture
def run(
    cloud: LocalAws, called: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", cloud.endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "ap-northeast-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", cloud.endpoint.cluster_arn)
    monkeypatch.setenv("STCHAT_SECRET_ARN", cloud.endpoint.secret_arn)
    session = boto3.Session()
    session.events.register("before-call", lambda event_name, **_: called.add(_action(event_name)))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)

    def run(*words: str) -> tuple[int, Any]:
        code = main(["doctor", *words])
        out = capsys.readouterr().out
        return code, json.loads(out) if "--json" in words else out

    yield run
    cloud.endpoint.resume()


def test_it_lists_what_is_there(run: Run) -> None:
    code, report = run("--json")
    assert (report["identifier"], report["engine_version"], report["min_acu"], report["max_acu"]) == (
        "memory",
        "16.8",
        0,
        4,
    )
    [instance] = report["instances"]
    assert (instance["identifier"], instance["role"], instance["kind"]) == ("memory-writer", "writer", "db.serverless")
    assert instance["zone"] == "ap-northeast-1a"
    assert instance["vpc"] == "vpc-00000000"
    assert [secret["name"] for secret in report["secrets"]] == ["memory.master"]
    assert report["stack"] == "memory"
    assert report["template"]["SecondsUntilAutoPause"] == 1800
    assert [one["what"] for one in report["read_failures"]] == []
    assert (code, report["findings"]) == (0, [])


def test_a_paused_cluster_stays_paused(run: Run, cloud: LocalAws) -> None:
    cloud.endpoint.pause()
    _, report = run("--json")
    assert report["state"] == "paused or running, not known"
    assert report["sessions"] is None
    assert cloud.endpoint.cluster["state"] == "paused"


def test_capacity_shows_whether_it_is_paused(run: Run, cloud: LocalAws) -> None:
    def capacity(acu: float) -> None:
        cloud.client("cloudwatch").put_metric_data(
            Namespace="AWS/RDS",
            MetricData=[
                {
                    "MetricName": "ServerlessDatabaseCapacity",
                    "Dimensions": [{"Name": "DBClusterIdentifier", "Value": "memory"}],
                    "Value": acu,
                    "Timestamp": datetime.now(UTC),
                }
            ],
        )

    cloud.endpoint.pause()
    capacity(0)
    assert (
        "\naurora-postgresql 16.8, available, paused\n0 to 4 ACU, pauses after 1800 s; deletion protection off"
        in run()[1]
    )
    assert cloud.endpoint.cluster["state"] == "paused"
    cloud.endpoint.resume()
    capacity(2)  # the greatest of the minute counts
    _, report = run("--json")
    assert (report["state"], report["sessions"]) == ("running", [])


def test_an_open_connection_is_named_and_the_data_api_is_none(run: Run, cloud: LocalAws) -> None:
    cloud.endpoint.execute("SELECT 1")
    login = json.loads(
        cloud.client("secretsmanager").get_secret_value(SecretId=cloud.endpoint.secret_arn)["SecretString"]
    )
    with psycopg.connect(
        host="127.0.0.1", port=cloud.endpoint.cluster["port"], user="master", password=login["password"],
        dbname="first", application_name="notebook",
    ):  # fmt: skip
        code, report = run("--wake", "--json")
    [session] = report["sessions"]
    assert (session["user"], session["database"], session["application"]) == ("master", "first", "notebook")
    [finding] = report["findings"]
    assert finding["what"].startswith("master is connected to first from 127.0.0.1/32 since ")
    assert code == 0  # a note and not a problem


def test_wake_resumes_it(run: Run, cloud: LocalAws) -> None:
    cloud.endpoint.pause()
    assert run("--wake", "--json")[1]["state"] == "running"
    assert cloud.endpoint.cluster["state"] == "available"


GROUP = "memory-parameters"


@pytest.fixture
def changed(cloud: LocalAws) -> Iterator[None]:
    """A proxy, another engine and replication, as an operator at the console may make them."""
    rds = cloud.client("rds")
    arn = cloud.client("secretsmanager").describe_secret(SecretId=cloud.endpoint.secret_arn)["ARN"]
    subnets = [subnet["SubnetId"] for subnet in cloud.client("ec2").describe_subnets()["Subnets"]]
    rds.create_db_proxy(
        DBProxyName="in-between", EngineFamily="POSTGRESQL", RoleArn="arn:aws:iam::000000000000:role/proxy",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": arn}], VpcSubnetIds=subnets,
    )  # fmt: skip
    rds.register_db_proxy_targets(DBProxyName="in-between", DBClusterIdentifiers=["memory"])
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=GROUP, DBParameterGroupFamily="aurora-postgresql16", Description="of a test"
    )
    rds.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=GROUP,
        Parameters=[
            {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
        ],
    )
    rds.modify_db_cluster(
        DBClusterIdentifier="memory", EngineVersion="16.13", DBClusterParameterGroupName=GROUP, ApplyImmediately=True
    )
    yield
    rds.modify_db_cluster(
        DBClusterIdentifier="memory", EngineVersion="16.8", DBClusterParameterGroupName="default.aurora-postgresql16",
        ApplyImmediately=True,
    )  # fmt: skip
    rds.deregister_db_proxy_targets(DBProxyName="in-between", DBClusterIdentifiers=["memory"])
    rds.delete_db_proxy(DBProxyName="in-between")
    rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName=GROUP)


@pytest.mark.usefixtures("changed")
def test_what_was_changed_past_the_template_is_a_problem(run: Run, called: set[str]) -> None:
    code, report = run("--json", "--wake")
    assert code == 1
    assert [finding["what"] for finding in report["findings"]] == [
        "RDS Proxy in-between has this cluster as its target",
        "rds.logical_replication is 1 in the cluster's parameter group",
        "the engine is 16.13, its template has 16.8",
    ]
    # GetSecretValue is what the Data API calls in the caller's name.
    assert called | {"secretsmanager:GetSecretValue"} == {*ACTIONS, *ACTIONS_OF_DATABASES}
    text = run()[1]
    assert text.startswith("memory: 3 problems\n")
    assert "problem: the engine is 16.13, its template has 16.8\n  why: " in text


def test_a_cluster_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", "arn:aws:rds:ap-northeast-1:000000000000:cluster:nowhere")
    assert run() == (1, "")


def test_help_names_the_actions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert {f"  {action}" for action in (*ACTIONS, *ACTIONS_OF_DATABASES)} < set(lines)
