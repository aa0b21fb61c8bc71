"""Clusters, secrets and roles of a control plane, as `cdk deploy` leaves them there."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.data_api.clusters import REMEMBER_SECONDS
from local_aws.data_api.control_plane import ControlPlane
from local_aws.data_api.iam import DECISION_SECONDS
from local_aws.state import ACCOUNT
from tests.support.control_plane import PAUSE_SECONDS, TEMPLATE, LocalAws, deploy
from tests.support.data_api_endpoint import KEY, client, until
from tests.support.single_value import one
from tests.support.wire import Wire

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


def message(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return f"{caught.value.response['Error']['Code']}: {caught.value.response['Error']['Message']}"


@pytest.fixture
def other_cluster(cloud: LocalAws) -> Iterator[Callable[..., str]]:
    """Make a cluster of that name, with a writer unless told otherwise; returns its ARN."""
    rds = cloud.client("rds")
    made: list[str] = []

    def make(name: str, *, writer: bool = True, **properties: Any) -> str:
        description = rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            MasterUsername="master",
            MasterUserPassword="never used here",
            **properties,
        )["DBCluster"]
        made.append(name)
        if writer:
            rds.create_db_instance(
                DBInstanceIdentifier=f"{name}-writer",
                DBClusterIdentifier=name,
                Engine="aurora-postgresql",
                DBInstanceClass="db.serverless",
            )
        return str(description["DBClusterArn"])

    yield make
    for name in made:
        try:
            delete_cluster(cloud, name, SkipFinalSnapshot=True)
        except rds.exceptions.DBClusterNotFoundFault:
            continue


def delete_cluster(cloud: LocalAws, name: str, **how: Any) -> None:
    rds = cloud.client("rds")
    for instance in rds.describe_db_instances()["DBInstances"]:
        if instance.get("DBClusterIdentifier") == name:
            rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=name, **how)


def attach(cloud: LocalAws, name: str) -> str:
    """A secret of the master of a cluster; returns its ARN."""
    text = json.dumps({"username": "master", "password": "secret", "dbClusterIdentifier": name})
    created = cloud.client("secretsmanager").create_secret(Name=f"{name}.master", SecretString=text)
    return str(created["ARN"])


def test_a_cluster_is_there_as_soon_as_it_is_made(cloud: LocalAws, other_cluster: Callable[..., str]) -> None:
    """The deploy after a destroy came within the seconds for which clusters are remembered."""
    cloud.endpoint.execute("SELECT 1")
    arn = other_cluster("prompt", EnableHttpEndpoint=True)
    secret = attach(cloud, "prompt")
    assert one(cloud.endpoint, "SELECT 1", resourceArn=arn, secretArn=secret, database="postgres") == 1


def test_the_stack_s_cluster(cloud: LocalAws) -> None:
    assert one(cloud.endpoint, "SELECT current_user || ' ' || current_database()") == "master first"
    cluster = cloud.endpoint.cluster
    assert (cluster["identifier"], cluster["state"]) == ("memory", "available")
    assert cluster["pauseSeconds"] == PAUSE_SECONDS


def test_the_instance_is_named_while_it_resumes(cloud: LocalAws) -> None:
    one(cloud.endpoint, "SELECT 1")
    cloud.endpoint.pause()
    assert message(lambda: cloud.endpoint.execute("SELECT 1")) == (
        "DatabaseResumingException: The Aurora DB instance memory-writer is resuming after being auto-paused. "
        "Please wait a few seconds and try again."
    )
    cloud.endpoint.resume()


def test_secrets_by_arn_and_by_name(cloud: LocalAws) -> None:
    arn = cloud.client("secretsmanager").describe_secret(SecretId="memory.master")["ARN"]
    for secret in (arn, arn.rpartition("-")[0], "memory.master"):
        assert one(cloud.endpoint, "SELECT 1", secretArn=secret) == 1
    assert message(lambda: cloud.endpoint.execute("SELECT 1", secretArn="memory.other")) == (
        "SecretsErrorException: Secrets Manager can't find the specified secret."
    )


def test_a_rotated_password_is_followed_at_once(cloud: LocalAws) -> None:
    secrets = cloud.client("secretsmanager")
    cloud.endpoint.execute("CREATE ROLE rotated LOGIN PASSWORD 'first'")
    arn = secrets.create_secret(Name="memory.rotated", SecretString='{"username": "rotated", "password": "first"}')[
        "ARN"
    ]
    assert one(cloud.endpoint, "SELECT current_user::text", secretArn=arn) == "rotated"
    cloud.endpoint.execute("ALTER ROLE rotated PASSWORD 'second'")
    secrets.put_secret_value(SecretId=arn, SecretString='{"username": "rotated", "password": "second"}')
    assert one(cloud.endpoint, "SELECT current_user::text", secretArn=arn) == "rotated"


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        (
            "disabled",
            {"EnableHttpEndpoint": False},
            "HttpEndpointNotEnabledException: HttpEndpoint is not enabled for resource {}",
        ),
        (
            "empty",
            {"EnableHttpEndpoint": True, "writer": False},
            "DatabaseNotFoundException: The DB cluster empty doesn't have a DB instance.",
        ),
        (
            "bare",
            {"EnableHttpEndpoint": True},
            "InvalidResourceStateException: no secret is attached to bare: one must hold its dbClusterIdentifier or "
            "host, the username master and the password",
        ),
    ],
)
def test_clusters_that_cannot_answer(
    cloud: LocalAws, other_cluster: Callable[..., str], name: str, properties: dict[str, Any], expected: str
) -> None:
    arn = other_cluster(name, **properties)
    assert message(lambda: cloud.endpoint.execute("SELECT 1", resourceArn=arn)) == expected.format(arn)


@pytest.mark.parametrize("snapshot", [None, "the-last"])
def test_a_cluster_that_is_deleted(cloud: LocalAws, other_cluster: Callable[..., str], snapshot: str | None) -> None:
    """Its server ends; the delete moves its data aside; a cluster that is restored from a snapshot has them."""
    name = f"short-lived-{snapshot or 'nothing-kept'}"
    arn, secret = other_cluster(name, EnableHttpEndpoint=True), attach(cloud, name)
    there = {"resourceArn": arn, "secretArn": secret, "database": "postgres"}
    cloud.endpoint.execute("CREATE TABLE kept AS SELECT 1 AS i", **there)
    [cluster] = [cluster for cluster in cloud.endpoint.clusters if cluster["arn"] == arn]
    if snapshot is not None:
        cloud.client("rds").create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=snapshot)
    delete_cluster(cloud, name, SkipFinalSnapshot=True)
    time.sleep(REMEMBER_SECONDS + 0.1)
    cloud.endpoint.execute("SELECT 1")
    assert arn not in [cluster["arn"] for cluster in cloud.endpoint.clusters]
    directory = Path(cluster["directory"])
    assert directory.exists(), "a cluster that is not listed was not deleted by that"
    cloud.endpoint.admin.delete(directory.name, arn)
    assert not directory.exists()
    kept = Path("deleted") / name if snapshot is None else Path("snapshots") / snapshot
    assert (directory.parent / kept / "pgdata").exists()
    if snapshot is not None:
        restored = deploy(cloud.url, "restored", restored_from(snapshot))
        time.sleep(REMEMBER_SECONDS + 0.1)
        there = {"resourceArn": restored["Cluster"], "secretArn": restored["Secret"]}
        assert one(cloud.endpoint, "SELECT i FROM kept", database="postgres", **there) == 1


def restored_from(snapshot: str) -> dict[str, Any]:
    """The template of another cluster, which begins as a snapshot."""
    template = json.loads(json.dumps(TEMPLATE).replace("memory", "restored"))
    cluster = template["Resources"]["Cluster"]["Properties"]
    del cluster["DatabaseName"], cluster["MasterUsername"]
    cluster["SnapshotIdentifier"] = snapshot
    return dict(template)


def test_only_what_the_role_s_policies_allow(cloud: LocalAws) -> None:
    """Least privilege, proved by running: the cluster's actions first, then the secret."""
    iam, sts, secrets = cloud.client("iam"), cloud.client("sts"), cloud.client("secretsmanager")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    secret = secrets.describe_secret(SecretId="memory.master")["ARN"]
    cluster = {"resourceArn": cloud.endpoint.cluster_arn, "secretArn": secret, "database": "first"}
    session = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    as_role = client(
        cloud.endpoint.url,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )

    def allow(action: str, resource: str, effect: str = "Allow") -> None:
        policy = {"Statement": [{"Effect": effect, "Action": action, "Resource": resource}]}
        iam.put_role_policy(RoleName="reader", PolicyName=action.replace(":", "-"), PolicyDocument=json.dumps(policy))
        time.sleep(DECISION_SECONDS + 0.1)

    def denied(action: str, resource: str) -> str:
        return (
            f"AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/session is not authorized "
            f"to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        )

    execute, read = "rds-data:ExecuteStatement", "secretsmanager:GetSecretValue"
    assert message(lambda: as_role.execute_statement(**cluster, sql="SELECT 1")) == denied(
        execute, cluster["resourceArn"]
    )
    allow(execute, cluster["resourceArn"])
    assert message(lambda: as_role.execute_statement(**cluster, sql="SELECT 1")) == denied(read, secret)
    allow(read, secret)
    assert as_role.execute_statement(**cluster, sql="SELECT 1")["records"] == [[{"longValue": 1}]]
    assert "rds-data:BeginTransaction" in message(lambda: as_role.begin_transaction(**cluster))
    plane = ControlPlane(cloud.url, KEY)
    assert plane.is_allowed(role, [execute], cluster["resourceArn"])
    assert not plane.is_allowed(role, [execute, "rds-data:BeginTransaction"], cluster["resourceArn"])
    allow(execute, cluster["resourceArn"], "Deny")
    assert message(lambda: as_role.execute_statement(**cluster, sql="SELECT 1")) == (
        f"AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/session is not authorized "
        f"to perform: {execute} on resource: {cluster['resourceArn']} "
        "with an explicit deny in an identity-based policy"
    )


def test_a_control_plane_that_lost_its_clusters_removes_no_data(
    cloud: LocalAws, other_cluster: Callable[..., str]
) -> None:
    """It lists the cluster again, and its rows are there."""
    arn, secret = other_cluster("lost", EnableHttpEndpoint=True), attach(cloud, "lost")
    there = {"resourceArn": arn, "secretArn": secret, "database": "postgres"}
    cloud.endpoint.execute("CREATE TABLE kept AS SELECT 1 AS i", **there)
    [cluster] = [cluster for cluster in cloud.endpoint.clusters if cluster["arn"] == arn]
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.endpoint.admin.delete(Path(cluster["directory"]).name, arn)
    assert json.load(refused.value)["message"] == (
        f"the control plane still lists the cluster {arn}: delete it there first"
    )
    assert one(cloud.endpoint, "SELECT i FROM kept", **there) == 1


@pytest.mark.parametrize("name", ["../../etc/x", "/tmp/x", "a/b", "", "-x"])
def test_a_snapshot_s_name_is_no_path(cloud: LocalAws, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.endpoint.admin.snapshot("cluster-X", name)
    assert json.load(refused.value)["message"] == (
        f"name must be letters, digits, hyphens and colons after a letter, got {name!r}"
    )


def test_a_stopped_cluster(cloud: LocalAws, other_cluster: Callable[..., str]) -> None:
    """Its state is assumed to be InvalidResourceStateException: neither the guide nor a capture has it."""
    arn, secret = other_cluster("halted", EnableHttpEndpoint=True), attach(cloud, "halted")
    there = {"resourceArn": arn, "secretArn": secret, "database": "postgres"}
    assert one(cloud.endpoint, "SELECT 1", **there) == 1
    cloud.client("rds").stop_db_cluster(DBClusterIdentifier="halted")
    until(
        lambda: (
            "stopp" in cloud.client("rds").describe_db_clusters(DBClusterIdentifier="halted")["DBClusters"][0]["Status"]
        ),
        "it stops",
    )
    time.sleep(REMEMBER_SECONDS + 0.1)
    with pytest.raises(
        ClientError, match=r"InvalidResourceStateException.*The DB cluster halted is in the state stopp"
    ):
        cloud.endpoint.execute("SELECT 1", **there)
    cloud.client("rds").start_db_cluster(DBClusterIdentifier="halted")


def test_an_unsigned_request(cloud: LocalAws) -> None:
    wire = Wire(cloud.endpoint.url, signed=False, resourceArn=cloud.endpoint.cluster_arn, secretArn="memory.master")
    answer = wire.call("/Execute", {"sql": "SELECT 1"})
    assert (answer.status, answer.error) == (403, "MissingAuthenticationTokenException")
    assert answer.body["message"].startswith("Missing Authentication Token: the local AWS takes requests that are ")
