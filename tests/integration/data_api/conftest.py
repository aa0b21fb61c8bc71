"""A control plane with one cluster as CloudFormation makes it, and an endpoint that asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.postgres.system import free_port
from local_aws.stack import START_CONTROL_PLANE
from local_aws.state import ACCOUNT, REGION
from tests.integration.conftest import (
    KEY,
    REPOSITORY,
    RESUME_SECONDS,
    Endpoint,
    client,
    running,
    start_endpoint,
    write_key,
)

# The limits of an endpoint that waits for nobody, in seconds.
IMPATIENT_STATEMENT, IMPATIENT_IDLE, IMPATIENT_TOTAL, IMPATIENT_PAUSE = 0.8, 1, 2, 3
STACK = "memory"
PAUSE_SECONDS = 1800
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Name": "memory.master",
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username":"master"}',
                    "GenerateStringKey": "password",
                    "ExcludeCharacters": "\"'\\/@",
                },
            },
        },
        "Cluster": {
            "Type": "AWS::RDS::DBCluster",
            "Properties": {
                "DBClusterIdentifier": "memory",
                "Engine": "aurora-postgresql",
                "EngineVersion": "16.8",
                "DatabaseName": "first",
                "MasterUsername": "master",
                "MasterUserPassword": {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password}}"},
                "EnableHttpEndpoint": True,
                "ServerlessV2ScalingConfiguration": {
                    "MinCapacity": 0,
                    "MaxCapacity": 4,
                    "SecondsUntilAutoPause": PAUSE_SECONDS,
                },
            },
        },
        "Writer": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "DBInstanceIdentifier": "memory-writer",
                "DBClusterIdentifier": {"Ref": "Cluster"},
                "DBInstanceClass": "db.serverless",
                "Engine": "aurora-postgresql",
            },
        },
        "Attachment": {
            "Type": "AWS::SecretsManager::SecretTargetAttachment",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "TargetId": {"Ref": "Cluster"},
                "TargetType": "AWS::RDS::DBCluster",
            },
        },
    },
    "Outputs": {
        "Cluster": {"Value": {"Fn::GetAtt": ["Cluster", "DBClusterArn"]}},
        "Secret": {"Value": {"Ref": "Secret"}},
    },
}


@dataclass(frozen=True)
class LocalAws:
    """A control plane, and an endpoint over it."""

    url: str
    endpoint: Endpoint

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=KEY.secret,
        )


@pytest.fixture(scope="session")
def _impatient(public_directory: Path) -> Iterator[Endpoint]:
    with running(
        public_directory / "impatient", "--resume-seconds", "0.5", "--statement-seconds", str(IMPATIENT_STATEMENT),
        "--transaction-idle-seconds", str(IMPATIENT_IDLE), "--transaction-seconds", str(IMPATIENT_TOTAL),
        "--idle-seconds", str(IMPATIENT_PAUSE),
    ) as endpoint:  # fmt: skip
        yield endpoint


@pytest.fixture
def impatient(_impatient: Endpoint) -> Endpoint:
    """An endpoint with short limits, awake."""
    _impatient.resume()
    return _impatient


@pytest.fixture(scope="session")
def control_plane(public_directory: Path) -> Iterator[str]:
    """ministack, on a port of its own."""
    state = public_directory / "aws"
    state.mkdir()
    port = free_port()
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": "127.0.0.1",
        "STATE_DIR": str(state / "state"), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_RDS_DATA": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": KEY.id,
        "AWS_SECRET_ACCESS_KEY": KEY.secret, "AWS_DEFAULT_REGION": REGION}  # fmt: skip
    write_key(state)
    with (state / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", START_CONTROL_PLANE, str(state), str(REPOSITORY)],
            env=os.environ | environment,
            cwd=state,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=2).close()
            break
        except OSError:
            assert time.monotonic() < deadline, (state / "log").read_text()
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def cloud(control_plane: str, public_directory: Path) -> Iterator[LocalAws]:
    directory = public_directory / "clusters"
    directory.mkdir()
    process, url = start_endpoint(directory, "--aws", control_plane, "--resume-seconds", str(RESUME_SECONDS))
    outputs = deploy(control_plane, STACK, TEMPLATE)
    yield LocalAws(
        control_plane,
        Endpoint(
            url=url,
            directory=directory,
            pid=process.pid,
            client=client(url),
            cluster_arn=outputs["Cluster"],
            secret_arn=outputs["Secret"],
            master="master",
        ),
    )
    process.terminate()
    assert process.wait(30) == 0


def deploy(url: str, stack: str, template: dict[str, Any]) -> dict[str, str]:
    """Create a stack; returns its outputs."""
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=KEY.secret,
    )
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    [description] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
