"""What stays of a local AWS when it is killed, when its files are damaged and when the disk is full. Servers alone."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import state
from local_aws.state import LocalAws
from tests.support.data_api_endpoint import until
from tests.support.local_aws_cli import LocalAwsCli, free_port, new_local_aws

SECRET = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "of-a-stack", "SecretString": "x"}}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[LocalAwsCli]:
    local_aws = new_local_aws(tmp_path / "up")
    try:
        local_aws.must("up", "--no-deploy", *local_aws.ports)
        yield local_aws
    finally:
        local_aws.run("reset")


def here(local_aws: LocalAwsCli) -> LocalAws:
    found = state.load(local_aws.directory)
    assert found is not None
    return found


def client(local_aws: LocalAwsCli, service: str) -> Any:
    """Without retries: what fails, fails at once."""
    cloud = here(local_aws)
    session = boto3.Session(cloud.key.id, cloud.key.secret, region_name=state.REGION)
    return session.client(  # type: ignore[call-overload]
        service, endpoint_url=cloud.aws_url, config=Config(retries={"total_max_attempts": 1})
    )


def control_plane(local_aws: LocalAwsCli) -> psutil.Process:
    server = here(local_aws).control_plane
    assert server is not None
    return psutil.Process(server.pid)


def kill(local_aws: LocalAwsCli) -> None:
    process = control_plane(local_aws)
    process.kill()
    process.wait(10)


def of(directory: Path) -> list[list[str]]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(directory) in " ".join(process.cmdline()):
                found.append(process.cmdline())
    return found


def test_what_was_answered_is_there_after_a_kill(up: LocalAwsCli) -> None:
    client(up, "secretsmanager").create_secret(Name="kept", SecretString="1")
    kill(up)
    up.must("up", "--no-deploy")
    secrets = client(up, "secretsmanager")
    assert secrets.get_secret_value(SecretId="kept")["SecretString"] == "1"
    secrets.put_secret_value(SecretId="kept", SecretString="2")
    up.must("down")
    up.must("up", "--no-deploy")
    assert client(up, "secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "2"


def test_a_secret_that_changes_in_the_middle_of_a_stack_operation_survives_a_kill(up: LocalAwsCli) -> None:
    """A rotation: the database has taken the new password, so the old secret would open it no more."""
    secrets, stacks = client(up, "secretsmanager"), client(up, "cloudformation")
    secrets.create_secret(Name="rotated", SecretString="old")
    waits = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Secret",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "120"},
    }
    template = {
        "Resources": {
            "Secret": SECRET,
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": waits,
        }
    }
    stacks.create_stack(StackName="slow", TemplateBody=json.dumps(template))
    until(
        lambda: bool(secrets.list_secrets(Filters=[{"Key": "name", "Values": ["of-a-stack"]}])["SecretList"]), "begun"
    )
    [stack] = stacks.describe_stacks()["Stacks"]  # by its name it is described once the change has ended
    if stack["StackStatus"] != "CREATE_IN_PROGRESS":
        pytest.skip(f"ministack does not wait in a stack: {stack['StackStatus']}")
    secrets.put_secret_value(SecretId="rotated", SecretString="new")
    kill(up)
    up.must("up", "--no-deploy")
    secrets = client(up, "secretsmanager")
    assert secrets.get_secret_value(SecretId="rotated")["SecretString"] == "new"
    assert [secret["Name"] for secret in secrets.list_secrets()["SecretList"]] == ["rotated"]
    assert client(up, "cloudformation").describe_stacks()["Stacks"] == []


def test_a_call_that_cannot_be_saved_fails(up: LocalAwsCli) -> None:
    """A limit on the size of files stands for a full disk."""
    secrets = client(up, "secretsmanager")
    secrets.create_secret(Name="before", SecretString="1")
    process = control_plane(up)
    process.rlimit(psutil.RLIMIT_FSIZE, (1, psutil.RLIM_INFINITY))
    with pytest.raises(ClientError, match=r"the local AWS made the change, but could not save it: .*File too large"):
        secrets.create_secret(Name="during", SecretString="1")
    assert secrets.get_secret_value(SecretId="before")["SecretString"] == "1"
    down = up.run("down")
    assert down.status == 1
    assert "error: the state of the control plane could not be saved: [Errno 27] File too large" in down.output
    assert "everything still runs" in down.output
    assert up.run("status").status == 0
    process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    up.must("down")
    up.must("up", "--no-deploy")
    names = {secret["Name"] for secret in client(up, "secretsmanager").list_secrets()["SecretList"]}
    assert names == {"before", "during"}


def test_a_damaged_cloud_json(up: LocalAwsCli) -> None:
    """As each command finds it. tests/unit/local_aws has the ways in which it may be damaged."""
    text = "{"
    client(up, "secretsmanager").create_secret(Name="kept", SecretString="1")
    file = up.directory / "cloud.json"
    file.write_text(text)
    for command in ("status", "env", "pause"):
        outcome = up.run(command)
        assert outcome.status == 1, outcome.output
        assert outcome.output.startswith(f"error: {file} is damaged: `local-aws up` writes a new one"), outcome.output
    assert "Traceback" not in up.must("up", "--no-deploy", *up.ports)
    assert client(up, "secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "1"
    file.write_text(text)
    up.must("down")
    until(lambda: of(up.directory) == [], "nothing runs")


def test_one_port_for_both(tmp_path: Path) -> None:
    port = free_port()
    outcome = LocalAwsCli(tmp_path, ()).run("up", "--no-deploy", "--aws-port", port, "--data-api-port", port)
    assert outcome.status == 1
    assert f"error: --aws-port and --data-api-port must differ, got {port} for both\n" in outcome.output
    assert of(tmp_path) == []


def test_both_taken_ports_are_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
        outcome = LocalAwsCli(tmp_path, ()).run(
            "up", "--no-deploy", "--aws-port", str(ports[0]), "--data-api-port", str(ports[1])
        )
    assert outcome.status == 1
    expected = f"error: ports {ports[0]} and {ports[1]} on 127.0.0.1 are taken: choose others with"
    assert f"{expected} --aws-port and --data-api-port\n" in outcome.output
    assert of(tmp_path) == []


def test_an_up_killed_at_any_moment_leaves_the_next_one_well(tmp_path: Path) -> None:
    """Servers alone, at four moments; `python -m benchmarks.crash_up` does it with deploys."""
    local_aws = new_local_aws(tmp_path / "up")
    try:
        for seconds in (0.3, 1.0, 2.0, 4.0):
            up = local_aws.start("up", "--no-deploy", *local_aws.ports)
            time.sleep(seconds)
            up.send_signal(signal.SIGKILL)
            up.communicate()
            local_aws.must("up", "--no-deploy", *local_aws.ports)
            client(local_aws, "secretsmanager").create_secret(Name=f"after-{seconds}", SecretString="1")
            kill(local_aws)
        local_aws.must("up", "--no-deploy", *local_aws.ports)
        assert len(client(local_aws, "secretsmanager").list_secrets()["SecretList"]) == 4
        local_aws.must("down")
        assert of(local_aws.directory) == []
    finally:
        local_aws.run("reset")
