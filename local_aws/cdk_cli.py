"""Runs the real CDK CLI, as a user would, against the local AWS."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from local_aws.clean_environment import SHELL
from local_aws.errors import CdkError, LocalError
from local_aws.state import ACCOUNT, INTERRUPTED, REGION, REPOSITORY, LocalAws
from stchat.ops import deploy_failure

# Synth of a Python app imports the CDK, which takes seconds without a word.
QUIET_SECONDS = 5.0
BOOTSTRAPPED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
POLL_SECONDS = 0.5
CHANGES = ("bootstrap", "deploy", "destroy", "import", "rollback", "watch")


def bootstrap(cloud: LocalAws) -> None:
    """Give the account what every CDK deployment needs (once: the stack CDKToolkit)."""
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    if not any(stack["StackName"] == "CDKToolkit" and stack["StackStatus"] in BOOTSTRAPPED for stack in stacks):
        # Outside the app, where the CLI finds none to synthesize first.
        run(cloud, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], cwd=cloud.directory)


def deploy(cloud: LocalAws, arguments: Sequence[str] = ()) -> None:
    """`cdk deploy --all`, or what `arguments` name."""
    run(cloud, ["deploy", *(arguments or ["--all"]), "--require-approval", "never"])


def run(cloud: LocalAws, arguments: Sequence[str], *, cwd: Path | None = None) -> None:
    """Run the CDK CLI on the app, its output going to the screen.

    Raises:
        CdkError: it failed; what it printed says why, without a message where the reason is the last that it printed.
    """
    cdk = find(cloud.app)
    folders = [folder for folder in (cloud.app / ".venv" / "bin", cdk.parent) if folder.is_dir()]
    command = [str(cdk), *arguments, "--output", str(cloud.directory / "cdk.out")]
    environment = cloud.child_environment(*folders) | {"PYTHONWARNINGS": "ignore"}
    ended = threading.Event()
    if cwd is None:
        threading.Thread(target=_report_progress, args=(ended, arguments[0]), daemon=True).start()
    reason = ""
    try:
        if arguments[0] == "deploy":
            status, reason = deploy_failure.run(
                command, environment=environment, directory=cloud.app, again=_again(cloud), stop=_stop
            )
        else:
            status = _call(command, environment, cwd or cloud.app)
    finally:
        ended.set()
    if status != 0:
        raise CdkError("" if reason else f"cdk {arguments[0]} ended with {status}: see above")


def finish_operations(cloud: LocalAws) -> None:
    """Wait for what an interrupted command began; delete what was being deleted when the local AWS was stopped.

    The CDK CLI would find a stack that is still being created to have no changes, and go on without it.
    """
    client = cloud.client("cloudformation")
    announced: list[str] = []
    while busy := [stack["StackName"] for stack in client.describe_stacks()["Stacks"] if _is_busy(stack)]:
        if busy != announced:
            print(f"waiting for {', '.join(busy)}, whose operation an interrupted command began", flush=True)
            announced = busy
        time.sleep(POLL_SECONDS)
    for stack in client.describe_stacks()["Stacks"]:
        if stack["StackStatus"] == "DELETE_FAILED" and stack.get("StackStatusReason") == INTERRUPTED:
            print(f"deleting the stack {stack['StackName']}, whose deletion was interrupted", flush=True)
            client.delete_stack(StackName=stack["StackName"])
            client.get_waiter("stack_delete_complete").wait(
                StackName=stack["StackName"], WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )


def _is_busy(stack: Mapping[str, Any]) -> bool:
    """REVIEW_IN_PROGRESS is a change set that was never executed."""
    status = stack["StackStatus"]
    return bool(status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS")


def find(app: Path) -> Path:
    """The CDK CLI: the app's own, this checkout's, or the one on the PATH.

    Raises:
        LocalError: there is none.
    """
    for folder in dict.fromkeys((app, REPOSITORY)):
        if (found := folder / "node_modules" / ".bin" / "cdk").exists():
            return found
    if (on_path := shutil.which("cdk", path=SHELL.get("PATH"))) is not None:
        return Path(on_path)
    raise LocalError(
        f"the CDK CLI is neither in {app}/node_modules nor on the PATH: install it with "
        f"`npm install --prefix {app} aws-cdk`"
    )


def outputs(cloud: LocalAws, prefix: str = "") -> dict[str, str]:
    """The outputs of the deployed stacks whose names begin so, by output name."""
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in cloud.client("cloudformation").describe_stacks()["Stacks"]
        if stack["StackName"].startswith(prefix) and stack["StackName"] != "CDKToolkit"
        for output in stack.get("Outputs", [])
    }


def _call(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> int:
    process = subprocess.Popen(command, cwd=directory, env=environment)
    try:
        return process.wait()
    except BaseException:
        _stop(process)
        process.wait()
        raise


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The CDK CLI, and the app that it synthesizes."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.terminate()
    process.terminate()


def _again(cloud: LocalAws) -> str:
    return "local-aws deploy" + ("" if cloud.app == REPOSITORY else f" --app {shlex.quote(str(cloud.app))}")


def _report_progress(ended: threading.Event, command: str) -> None:
    if not ended.wait(QUIET_SECONDS):
        then = ", then deploys what changed" if command == "deploy" else ""
        print(f"the CDK CLI synthesizes the app{then}", file=sys.stderr, flush=True)
