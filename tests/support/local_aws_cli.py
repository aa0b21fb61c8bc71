"""A local AWS, driven by its command line alone."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from local_aws.state import load
from tests.support.documents import shell_blocks
from tests.support.repository import REPOSITORY

COMMAND_SECONDS = 300
# The CDK's own rules are a third of a synth. tests/infra holds the same templates to them, once a stage.
VALIDATED_ELSEWHERE = {"CDK_VALIDATION": "false"}
# What `local-aws env` exports and an account of AWS's does not bring.
UNKNOWN = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "STCHAT_CHAT_MODEL")
# Unpacked below HOME by the CDK's first run there, in 10 s: the tests share one.
JSII = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache" / "aws" / "jsii" / "package-cache")}
# What a person who followed "Name the cluster" has; the test of that section compares the values.
NAMED = ("STCHAT_CLUSTER_ARN", "STCHAT_DATABASE", "STCHAT_SECRET_ARN", "STCHAT_APP_SECRET_ARN")


@dataclass(frozen=True)
class Outcome:
    """What a command printed, both streams as a person sees them, and its exit status."""

    status: int
    output: str


@dataclass(frozen=True)
class LocalAwsCli:
    """One local AWS, driven by its command line alone."""

    directory: Path
    ports: tuple[str, ...]

    @property
    def shown_by_up(self) -> Path:
        """What the first `up` printed."""
        return self.directory / "shown-by-up"

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> Outcome:
        """local-aws ..., in this shell or in one with that environment."""
        return self._run(
            [sys.executable, "-m", "local_aws", "--directory", str(self.directory), *arguments], environment
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """local-aws ..., not waited for."""
        command = [sys.executable, "-m", "local_aws", "--directory", str(self.directory), *arguments]
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=os.environ | VALIDATED_ELSEWHERE, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def must(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        outcome = self.run(*arguments, environment=environment)
        assert outcome.status == 0, outcome.output
        return outcome.output

    def stchat(self, *arguments: str) -> Outcome:
        """stchat ..., in a shell that has evaluated `local-aws env`."""
        return self._run([sys.executable, "-m", "stchat", *arguments], {**os.environ, **self.environment()})

    def cdk(self, app: Path, *arguments: str, out: str = "cdk.out") -> Outcome:
        """The CDK CLI on a user's checkout in `app`, in the same shell."""
        command = [str(REPOSITORY / "node_modules/.bin/cdk"), *arguments, "--output", str(app / out)]
        return self._run(command, {**os.environ, **self.environment()}, app)

    def follow(self, checkout: Path, document: str, section: str, *parts: int, then: str = "") -> Outcome:
        """What a person gets who types a section's blocks (or only `parts` of those that run here), then `then`.

        The shell is bare; where the blocks begin with stchat, it has what "Name the cluster" exports.
        """
        blocks = [block for block in shell_blocks(REPOSITORY / "docs" / document) if block.section == section]
        texts = [block.text for block in blocks if block.runs_here]
        assert texts, f"{document} has nothing to type in {section}"
        names = NAMED if any(text.startswith("stchat ") or "$STCHAT_" in text for text in texts) else ()
        named = {name: self.environment()[name] for name in names}
        return self.type("".join([*([texts[part] for part in parts] or texts), then]), checkout, named)

    def type(self, script: str, checkout: Path, named: Mapping[str, str] | None = None) -> Outcome:
        """What a person gets who types `script` in a new shell, set up as operations.md has it, and knows `named`."""
        [shell] = [
            b.text for b in shell_blocks(REPOSITORY / "docs" / "operations.md") if b.section == "Set up the shell"
        ]
        return self.bare(shell + script, checkout, named)

    def bare(
        self, script: str, checkout: Path, named: Mapping[str, str] | None = None, seconds: int = COMMAND_SECONDS
    ) -> Outcome:
        """`script` in a shell with keys and the local endpoints, once up: no region, no settings, an empty HOME."""
        here = load(self.directory)
        exported = here.environment() if here else {}
        home = self.directory / "home"
        home.mkdir(parents=True, exist_ok=True)
        known = {name: value for name, value in exported.items() if name not in UNKNOWN}
        environment = {"PATH": os.defpath, "HOME": str(home), **JSII, **known, **(named or {})}
        return self._run(["bash", "-euo", "pipefail", "-c", script], environment, checkout, seconds)

    @functools.cache  # noqa: B019 (it lives as long as the tests)
    def environment(self) -> dict[str, str]:
        """What `local-aws env` exports."""
        lines = self.must("env").splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines)

    def client(self, service: str, role: str | None = None) -> Any:
        """A boto3 client that knows nothing but the exported variables, with the rights of `role`, or with all."""
        here = self.environment()
        session = boto3.Session(here["AWS_ACCESS_KEY_ID"], here["AWS_SECRET_ACCESS_KEY"], None, here["AWS_REGION"])
        if role:
            found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="e2e")["Credentials"]
            keys = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
            session = boto3.Session(*keys, here["AWS_REGION"])
        url = here.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", here["AWS_ENDPOINT_URL"])
        new: Callable[..., Any] = session.client  # which service, only the caller knows
        return new(service, endpoint_url=url)

    def sql(self, statement: str, database: str = "st_chat_db", secret: str | None = None) -> list[list[Any]]:
        here = self.environment()
        answer = self.client("rds-data").execute_statement(
            resourceArn=here["STCHAT_CLUSTER_ARN"],
            secretArn=secret or here["STCHAT_SECRET_ARN"],
            database=database,
            sql=statement,
        )
        return [
            [None if "isNull" in field else next(iter(field.values())) for field in row] for row in answer["records"]
        ]

    def stack_status(self, name: str) -> str:
        [stack] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return str(stack["StackStatus"])

    def _run(
        self,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
        cwd: Path = REPOSITORY,
        seconds: int = COMMAND_SECONDS,
    ) -> Outcome:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=(environment or os.environ) | VALIDATED_ELSEWHERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        return Outcome(done.returncode, done.stdout)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def new_local_aws(directory: Path, embeddings: str = "hashed") -> LocalAwsCli:
    ports = ("--aws-port", free_port(), "--data-api-port", free_port(), "--resume-seconds", "1")
    return LocalAwsCli(directory, (*ports, "--embeddings", embeddings))


SNAPSHOT = "before-the-end"


HISTORY = "st_chat_history_table"


def take_snapshot(local_aws: LocalAwsCli) -> None:
    """SNAPSHOT, of the cluster of `dev`; returns once it is available."""
    rds = local_aws.client("rds")
    rds.create_db_cluster_snapshot(DBClusterIdentifier="dbclusterstchat", DBClusterSnapshotIdentifier=SNAPSHOT)
    rds.get_waiter("db_cluster_snapshot_available").wait(
        DBClusterSnapshotIdentifier=SNAPSHOT, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
