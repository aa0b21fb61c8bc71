"""Runs the real CDK CLI, as a user would, against the laptop's AWS."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import boto3
import psutil
from botocore.exceptions import ClientError

from local.processes import LocalError
from local.state import ACCOUNT, REGION, REPOSITORY, Cloud

CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"


def bootstrap(cloud: Cloud) -> None:
    """Give the account what every CDK deployment needs (once: the stack CDKToolkit)."""
    try:
        boto3.client("cloudformation", **client_arguments(cloud)).describe_stacks(StackName="CDKToolkit")
    except ClientError:
        # Outside the repository, where the CLI finds no app to synthesize first.
        run(cloud, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], app=cloud.directory)


def deploy(cloud: Cloud, arguments: Sequence[str] = (), *, app: Path = REPOSITORY) -> None:
    """`cdk deploy --all`, or what `arguments` name."""
    run(
        cloud,
        ["deploy", *(arguments or ["--all"]), "--require-approval", "never"],
        app=app,
    )


def run(cloud: Cloud, arguments: Sequence[str], *, app: Path = REPOSITORY) -> None:
    """Run the CDK CLI on the app in `app`, its output going to the screen.

    Raises:
        LocalError: it failed; what it printed says why.
    """
    if not CDK.exists():
        raise LocalError(f"the CDK CLI is not at {CDK}: install it with `npm ci`, or use `make up`")
    process = subprocess.Popen(
        [str(CDK), *arguments, "--output", str(cloud.directory / "cdk.out")],
        cwd=app,
        env=os.environ | cloud.environment() | {"PYTHONWARNINGS": "ignore"},
    )
    try:
        status = process.wait()
    except BaseException:
        for child in [*psutil.Process(process.pid).children(recursive=True), process]:
            child.terminate()
        process.wait()
        raise
    if status != 0:
        raise LocalError(f"cdk {arguments[0]} ended with {status}: see above")


def outputs(cloud: Cloud, stage: str = "dev") -> dict[str, str]:
    """The outputs of the stage's stacks that are deployed, by output name."""
    client = boto3.client("cloudformation", **client_arguments(cloud))
    prefix = f"st-chat-{stage}-"
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in client.describe_stacks()["Stacks"]
        if stack["StackName"].startswith(prefix)
        for output in stack.get("Outputs", [])
    }


def client_arguments(cloud: Cloud) -> dict[str, str]:
    """Keyword arguments that point a boto3 client at the control plane."""
    return {
        "endpoint_url": cloud.aws_url,
        "region_name": REGION,
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }
