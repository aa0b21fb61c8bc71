"""Runs the real CDK CLI, as a user would, against the laptop's AWS."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
from botocore.exceptions import ClientError

from local_aws.processes import LocalError
from local_aws.state import ACCOUNT, REGION, REPOSITORY, LocalAws

CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"


class CdkError(LocalError):
    """The CDK CLI failed; the laptop's AWS did not."""


def bootstrap(cloud: LocalAws) -> None:
    """Give the account what every CDK deployment needs (once: the stack CDKToolkit)."""
    try:
        cloud.session().client("cloudformation", endpoint_url=cloud.aws_url).describe_stacks(StackName="CDKToolkit")
    except ClientError:
        # Outside the repository, where the CLI finds no app to synthesize first.
        run(cloud, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], app=cloud.directory)


def deploy(cloud: LocalAws, arguments: Sequence[str] = (), *, app: Path = REPOSITORY) -> None:
    """`cdk deploy --all`, or what `arguments` name."""
    run(
        cloud,
        ["deploy", *(arguments or ["--all"]), "--require-approval", "never"],
        app=app,
    )


def run(cloud: LocalAws, arguments: Sequence[str], *, app: Path = REPOSITORY) -> None:
    """Run the CDK CLI on the app in `app`, its output going to the screen.

    Raises:
        CdkError: it failed; what it printed says why.
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
        for child in psutil.Process(process.pid).children(recursive=True):
            child.terminate()
        process.terminate()
        process.wait()
        raise
    if status != 0:
        raise CdkError(f"cdk {arguments[0]} ended with {status}: see above")


def outputs(cloud: LocalAws, stage: str) -> dict[str, str]:
    """The outputs of the stage's stacks that are deployed, by output name."""
    client = cloud.session().client("cloudformation", endpoint_url=cloud.aws_url)
    prefix = f"st-chat-{stage}-"
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in client.describe_stacks()["Stacks"]
        if stack["StackName"].startswith(prefix)
        for output in stack.get("Outputs", [])
    }
