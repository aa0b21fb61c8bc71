"""`prod` on the local AWS, made from a snapshot of `dev`, that of test_deploy.py where it ran."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from local_aws.credentials import AccessKey
from local_aws.data_api.admin_client import AdminClient
from stchat.data_api import DataApi
from tests.support.local_aws_cli import HISTORY, LocalAwsCli

SECRETS = ("st.chat.prod", "st.chat.prod.app", "st.chat.prod.read")
ROTATION_SECONDS = 90
CALLERS = 2


@dataclass(frozen=True)
class Production:
    local_aws: LocalAwsCli
    checkout: Path
    outputs: dict[str, str]

    def api(self, secret: str, database: str = "st_chat_db") -> DataApi:
        arn = self.local_aws.client("secretsmanager").describe_secret(SecretId=secret)["ARN"]
        return DataApi(self.local_aws.client("rds-data"), self.outputs["ClusterArn"], arn, database, 30.0)

    def password(self, secret: str, label: str) -> str:
        value = self.local_aws.client("secretsmanager").get_secret_value(SecretId=secret, VersionStage=label)
        return str(json.loads(value["SecretString"])["password"])

    def opens(self, user: str, password: str) -> bool:
        """Whether PostgreSQL itself lets it in."""
        here = self.local_aws.environment()
        key = AccessKey(here["AWS_ACCESS_KEY_ID"], here["AWS_SECRET_ACCESS_KEY"])
        clusters = AdminClient(here["AWS_ENDPOINT_URL_RDS_DATA"], key).status()["clusters"]
        [port] = [c["port"] for c in clusters if c["arn"] == self.outputs["ClusterArn"]]
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=user, password=password, dbname="st_chat_db").close()
        except psycopg.OperationalError as error:
            assert "password authentication failed" in str(error)
            return False
        return True

    def rotated(self, secret: str, since: str | None = None) -> dict[str, Any]:
        """The secret, once a rotation has ended that began after version `since`."""
        deadline = time.monotonic() + ROTATION_SECONDS
        while True:
            found: dict[str, Any] = self.local_aws.client("secretsmanager").describe_secret(SecretId=secret)
            labels = {label: version for version, all_ in found["VersionIdsToStages"].items() for label in all_}
            if "LastRotatedDate" in found and "AWSPENDING" not in labels and labels["AWSCURRENT"] != since:
                return found | {"current": labels["AWSCURRENT"]}
            assert time.monotonic() < deadline, found
            time.sleep(0.5)


@pytest.fixture(scope="module")
def prod(local_aws: LocalAwsCli, checkout: Path, dev_snapshot: str) -> Iterator[Production]:
    settings = checkout / "stacks" / "config.py"
    text = settings.read_text()
    settings.write_text(
        text.replace('    stage="prod",\n', f'    stage="prod",\n    snapshot_identifier="{dev_snapshot}",\n')
    )
    outcome = local_aws.cdk(checkout, "deploy", "--all", "-c", "stage=prod", "--require-approval", "never")
    assert outcome.status == 0, outcome.output
    stacks = local_aws.client("cloudformation").describe_stacks()["Stacks"]
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for stack in stacks
        if stack["StackName"].startswith("st-chat-prod-")
        for output in stack.get("Outputs", [])
    }
    yield Production(local_aws, checkout, outputs)
    settings.write_text(text)


def test_every_stack_is_there(prod: Production) -> None:
    for stack in ("network", "database", "schema", "chat", "rotation", "monitoring"):
        assert prod.local_aws.stack_status(f"st-chat-prod-{stack}") == "CREATE_COMPLETE"


def test_a_shell_of_its_own_names_its_cluster(prod: Production) -> None:
    local_aws = prod.local_aws
    assert f"export STCHAT_CLUSTER_ARN={prod.outputs['ClusterArn']}\n" in local_aws.must("env", "--stage", "prod")
    shown = local_aws.must("psql", "--stage", "prod", "--", "-At", "-c", "SELECT current_database(), current_user")
    assert shown == "st_chat_db|stchat\n"
    missing = local_aws.must("env", "--stage", "none")
    assert "deploy them with `local-aws deploy -- --all -c stage=none`" in missing
    assert "unset STCHAT_CLUSTER_ARN\n" in missing  # or the shell would keep that of the stage before


def test_the_schema_adopts_the_snapshots_rows_and_sets_the_roles_passwords(prod: Production) -> None:
    rows = prod.api("st.chat.prod.read").execute(f"SELECT userid FROM {HISTORY}").rows
    assert {"userid": "e2e"} in rows
    logs = prod.local_aws.client("logs")
    [group] = [
        name
        for found in logs.describe_log_groups()["logGroups"]
        if "SchemaRunner" in (name := found["logGroupName"]) and "st-chat-prod" in name
    ]
    said = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert [line for line in said if "password set" in line]
    assert not [line for line in said if ".sql" in line], "it found something to do"


def test_the_first_rotation_came_with_the_deploy(prod: Production) -> None:
    for name, user in zip(SECRETS, ("stchat", "st_chat_app", "st_chat_read"), strict=True):
        prod.rotated(name)
        assert prod.opens(user, prod.password(name, "AWSCURRENT"))
        assert not prod.opens(user, prod.password(name, "AWSPREVIOUS"))


def test_calls_in_flight_survive_a_rotation(prod: Production) -> None:
    name = "st.chat.prod.app"
    stop = Event()

    def call() -> int:
        api, count = prod.api(name), 0
        while not stop.is_set():
            assert api.execute("SELECT 1 AS one", idempotent=True).rows == [{"one": 1}]
            count += 1
        return count

    before = prod.rotated(name)["current"]
    old = prod.password(name, "AWSCURRENT")
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(call) for _ in range(CALLERS)]
        try:
            prod.local_aws.client("secretsmanager").rotate_secret(SecretId=name)
            prod.rotated(name, since=before)
        finally:
            stop.set()
        assert min(caller.result() for caller in callers) > 0
    assert not prod.opens("st_chat_app", old)
    assert prod.opens("st_chat_app", prod.password(name, "AWSCURRENT"))


def test_it_is_protected_from_deletion(prod: Production) -> None:
    with pytest.raises(ClientError, match="cannot be deleted while TerminationProtection is enabled"):
        prod.local_aws.client("cloudformation").delete_stack(StackName="st-chat-prod-database")
