"""A shell full of settings for other servers: nothing of the local AWS follows them, and nothing breaks."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.support.local_aws_cli import VALIDATED_ELSEWHERE, LocalAwsCli, new_local_aws
from tests.support.repository import REPOSITORY

CONFIG = """[default]
region = eu-west-3
ignore_configured_endpoint_urls = true
role_arn = arn:aws:iam::111122223333:role/real
source_profile = real

[profile real]
region = eu-west-3
"""


@dataclass
class Trap:
    """What every setting leads to: each connection is written down, and gets no answer."""

    socket: socket.socket
    callers: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def listen(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            self.callers.append(caller.recv(200))
            caller.close()


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        trap = Trap(listening)
        threading.Thread(target=trap.listen, daemon=True).start()
        yield trap
        assert trap.callers == []


@pytest.fixture(scope="module")
def hostile(trap: Trap, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    tmp_path = tmp_path_factory.mktemp("hostile")
    config = tmp_path / "home" / ".aws" / "config"
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG)
    (tmp_path / "aws_cdk.py").write_text("raise SystemExit('imported')\n")
    port = trap.url.rpartition(":")[2]
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), trap.url)
    services = ("S3", "STS", "CLOUDFORMATION", "RDS", "RDS_DATA", "SECRETS_MANAGER", "LAMBDA", "SSM", "IAM")
    return (
        {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "NO_PROXY", "no_proxy"))}
        | VALIDATED_ELSEWHERE
        | proxies
        | {f"AWS_ENDPOINT_URL_{service}": trap.url for service in services}
        | {
            "HOME": str(tmp_path / "home"), "AWS_ENDPOINT_URL": trap.url, "AWS_PROFILE": "missing",
            "AWS_DEFAULT_PROFILE": "missing", "AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-3",
            "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_SESSION_TOKEN": "real",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_USE_FIPS_ENDPOINT": "true",
            "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_CA_BUNDLE": "/missing", "AWS_MAX_ATTEMPTS": "0",
            "AWS_CONFIG_FILE": str(config), "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{trap.url}/credentials",
            "PGHOST": "127.0.0.1", "PGHOSTADDR": "127.0.0.1", "PGPORT": port, "PGSSLMODE": "verify-full",
            "PGOPTIONS": "-c broken=1", "PGSERVICE": "missing", "PGDATA": "/missing", "PGUSER": "real",
            "PGPASSFILE": "/missing", "CDK_DEFAULT_ACCOUNT": "111122223333", "CDK_DEFAULT_REGION": "eu-west-3",
            "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "aws_cdk.py"),
            "NODE_OPTIONS": "--no-such-option",
        }
    )  # fmt: skip


def run(local_aws: LocalAwsCli, environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "local_aws", "--directory", str(local_aws.directory), *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def hostile_up(hostile: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsCli]:
    """Started and deployed in that shell: all that `up` starts, and all that a deploy runs, has its settings."""
    local_aws = new_local_aws(tmp_path_factory.mktemp("hostile_up"))
    try:
        run(local_aws, hostile, "up", *local_aws.ports)
        yield local_aws
    finally:
        local_aws.run("down")


def test_up_and_every_other_command(hostile_up: LocalAwsCli, hostile: dict[str, str]) -> None:
    status = run(hostile_up, hostile, "status")
    assert "control plane" in status
    assert "st-chat-dev-database" in status
    assert run(hostile_up, hostile, "psql", "--", "-Atc", "SELECT current_user") == "stchat\n"


def test_what_env_exports_wins(hostile_up: LocalAwsCli, hostile: dict[str, str]) -> None:
    """In the same shell, the SDK of a program of yours speaks to the local AWS."""
    exports = run(hostile_up, hostile, "env")
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
