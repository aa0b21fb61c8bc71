"""A shell full of settings for other servers: nothing of the local AWS follows them, and nothing breaks.

The fixture `local_aws` was started and deployed in it, so the whole story is of that local AWS; its end looks who was
called.
"""

from __future__ import annotations

import shlex
import subprocess
import sys

from tests.support.local_aws_cli import LocalAwsCli
from tests.support.repository import REPOSITORY


def run(local_aws: LocalAwsCli, environment: dict[str, str], *arguments: str) -> str:
    """What a command prints, without its remarks."""
    command = [sys.executable, "-m", "local_aws", "--directory", str(local_aws.directory), *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_after_up(local_aws: LocalAwsCli, hostile: dict[str, str]) -> None:
    status = run(local_aws, hostile, "status")
    assert "control plane" in status
    assert "st-chat-dev-database" in status
    assert run(local_aws, hostile, "psql", "--", "-Atc", "SELECT current_user") == "stchat\n"


def test_what_env_exports_wins(local_aws: LocalAwsCli, hostile: dict[str, str]) -> None:
    """In the same shell, the SDK of a program of yours speaks to the local AWS."""
    exports = run(local_aws, hostile, "env")
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    exports += "\nunset AWS_CA_BUNDLE\nexport PYTHONPATH= AWS_MAX_ATTEMPTS=3"
    script = f"{exports}\n{shlex.quote(sys.executable)} -c {shlex.quote(program)}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=hostile,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "000000000000\n"), done.stderr
