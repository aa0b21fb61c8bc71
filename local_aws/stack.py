"""The two servers of the laptop's AWS: ministack is the control plane, `local_aws.data_api` the RDS Data API."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from local_aws import processes
from local_aws.cdk_cli import CdkError
from local_aws.postgres.system import as_system_user
from local_aws.state import ACCOUNT, REGION, REPOSITORY, LocalAws, Server, load

AWS_PORT = 4566
DATA_API_PORT = 4567
START_CONTROL_PLANE = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from local_aws.ministack.server import main; main()"
)
# How long the cluster takes to wake up; Aurora takes about 15 s, a laptop's user need not wait that long.
RESUME_SECONDS = 3.0


@contextmanager
def running(
    directory: Path, *, aws_port: int | None, data_api_port: int | None, resume_seconds: float
) -> Iterator[LocalAws]:
    """The cloud in `directory`, started where it is not up. What was started here ends when it is interrupted.

    Ports of None: those of the last time, at first AWS_PORT and DATA_API_PORT.
    """
    as_system_user()  # a machine that cannot run PostgreSQL says so now, not in the middle of a deploy
    last = load(directory) or LocalAws(directory=directory, aws_port=AWS_PORT, data_api_port=DATA_API_PORT)
    was_up = {name for name in ("control_plane", "data_api") if processes.is_running(getattr(last, name))}
    cloud = replace(last, aws_port=aws_port or last.aws_port, data_api_port=data_api_port or last.data_api_port)
    for name, port, used, flag in (
        ("control_plane", cloud.aws_port, last.aws_port, "--aws-port"),
        ("data_api", cloud.data_api_port, last.data_api_port, "--data-api-port"),
    ):
        if name not in was_up:
            processes.require_free_port(port, flag)
        elif port != used:
            raise processes.LocalError(
                f"{flag} must be {used}, where it is up, got {port}: to move it, `local-aws down` first"
            )
    try:
        if "control_plane" not in was_up:
            cloud = replace(cloud, control_plane=_start_control_plane(cloud))
            cloud.save()
        if "data_api" not in was_up:
            cloud = replace(cloud, data_api=_start_data_api(cloud, resume_seconds))
            cloud.save()
        processes.wait_until_up(_server(cloud.control_plane), f"{cloud.aws_url}/_ministack/health", _log(cloud, "aws"))
        processes.wait_until_up(_server(cloud.data_api), f"{cloud.data_api_url}/_local/status", _log(cloud, "data-api"))
        yield cloud
    except CdkError:
        raise  # the servers stay up, to look at and to deploy onto again
    except BaseException:
        for name in {"data_api", "control_plane"} - was_up:
            processes.stop(getattr(cloud, name))
        raise


def stop(cloud: LocalAws) -> None:
    """End both servers; what they hold stays on disk."""
    processes.stop(cloud.data_api)
    processes.stop(cloud.control_plane)
    replace(cloud, control_plane=None, data_api=None).save()


def is_up(cloud: LocalAws | None) -> bool:
    return cloud is not None and processes.is_running(cloud.control_plane) and processes.is_running(cloud.data_api)


def _start_control_plane(cloud: LocalAws) -> Server:
    state = cloud.directory / "aws"
    scratch = state / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    environment = (
        os.environ
        | cloud.environment()
        | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(cloud.aws_port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state / "s3"),
            "TMPDIR": str(scratch),
        }
    )
    return processes.start(
        # From its own directory, and told by argument where this repository is: a Lambda, which inherits directory and
        # environment, must find the package it was deployed with.
        [sys.executable, "-c", START_CONTROL_PLANE, str(REPOSITORY)],
        environment=environment,
        cwd=state,
        log=_log(cloud, "aws"),
    )


def _start_data_api(cloud: LocalAws, resume_seconds: float) -> Server:
    command = [
        sys.executable, "-m", "local_aws", "data-api",
        "--port", str(cloud.data_api_port),
        "--aws", cloud.aws_url,
        "--data", str(cloud.directory / "clusters"),
        "--resume-seconds", str(resume_seconds),
    ]  # fmt: skip
    environment = os.environ | cloud.environment()
    return processes.start(command, environment=environment, cwd=REPOSITORY, log=_log(cloud, "data-api"))


def _log(cloud: LocalAws, name: str) -> Path:
    return cloud.directory / "logs" / f"{name}.log"


def _server(server: Server | None) -> Server:
    assert server is not None
    return server
