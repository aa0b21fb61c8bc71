"""The two servers of a local AWS: ministack is the control plane, `local_aws.data_api` the RDS Data API."""

from __future__ import annotations

import fcntl
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from local_aws import credentials, leftovers, processes
from local_aws.data_api.admin_client import signed_call
from local_aws.errors import CdkError, DamagedError, LocalError
from local_aws.postgres.system import as_system_user
from local_aws.state import ACCOUNT, REGION, REPOSITORY, STACK_OPERATION, LocalAws, Server, load

AWS_PORT = 4566
DATA_API_PORT = 4567
# From its own directory, and told by argument where this repository is: a Lambda function, which inherits directory and
# environment, must find the package it was deployed with.
START_CONTROL_PLANE = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from local_aws.ministack.server import main; main(sys.argv.pop())"
)
# How long a paused cluster takes to resume; Aurora takes about 15 s, a user of this machine need not wait that long.
RESUME_SECONDS = 3.0


@contextmanager
def running(
    directory: Path,
    *,
    aws_port: int | None,
    data_api_port: int | None,
    resume_seconds: float,
    embeddings: str,
    app: Path = REPOSITORY,
) -> Iterator[LocalAws]:
    """The local AWS in `directory`, started where it is not up. What was started here ends when it is interrupted.

    Ports of None: those of the last time, at first AWS_PORT and DATA_API_PORT.
    """
    as_system_user()  # a machine that cannot run PostgreSQL says so now, not in the middle of a deploy
    with locked(directory, "local-aws up"):
        last = _last(directory)
        was_up = {name for name in ("control_plane", "data_api") if processes.is_running(getattr(last, name))}
        cloud = replace(
            last, aws_port=aws_port or last.aws_port, data_api_port=data_api_port or last.data_api_port, app=app
        )
        _check_ports(cloud, last, was_up)
        if not was_up:
            credentials.load_or_make(directory)
        try:
            if "control_plane" not in was_up:
                cloud = replace(cloud, control_plane=_start_control_plane(cloud))
                cloud.save()
            if "data_api" not in was_up:
                leftovers.remove_incomplete(cloud.directory)
                cloud = replace(cloud, data_api=_start_data_api(cloud, resume_seconds, embeddings))
            cloud.save()
            for server, url, name in (
                (cloud.control_plane, f"{cloud.aws_url}/_ministack/health", "aws"),
                (cloud.data_api, f"{cloud.data_api_url}/_local/status", "data-api"),
            ):
                assert server is not None
                processes.wait_until_up(server, url, _log(cloud, name))
            yield cloud
        except CdkError:
            raise  # the servers stay up, to look at and to deploy onto again
        except BaseException:
            for name in {"data_api", "control_plane"} - was_up:
                processes.stop(getattr(cloud, name))
            raise


@contextmanager
def locked(directory: Path, command: str, *, shared: bool = False) -> Iterator[None]:
    """One `up` at a time, and none while a deploy runs: what the other started would look left over by a kill."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            raise LocalError(
                f"another command is at work in {directory}: wait for it to end before `{command}`"
            ) from None
        yield


def stop(cloud: LocalAws) -> str:
    """End both servers, and what a kill left of them; what they hold stays on disk.

    Returns a remark about the state that is kept; an empty one where it is all there is.

    Raises:
        LocalError: the state could not be saved; everything still runs.
    """
    remark = save(cloud) if processes.is_running(cloud.control_plane) else ""
    processes.stop(cloud.data_api)
    processes.stop(cloud.control_plane)
    stop_strays(cloud.directory)
    replace(cloud, control_plane=None, data_api=None).save()
    return remark


def stop_all(directory: Path) -> None:
    """End everything of the local AWS in `directory`, whatever its state is."""
    try:
        cloud = load(directory)
    except DamagedError:
        cloud = None
    if cloud is not None:
        processes.stop(cloud.data_api)
        processes.stop(cloud.control_plane)
    stop_strays(directory)


def stop_strays(directory: Path) -> None:
    """End what a kill left running."""
    processes.stop_strays(processes.strays(directory, ()))


def is_up(cloud: LocalAws | None) -> bool:
    return cloud is not None and processes.is_running(cloud.control_plane) and processes.is_running(cloud.data_api)


def _last(directory: Path) -> LocalAws:
    """What was last started, without what a kill left running and nothing names."""
    new = LocalAws(directory=directory, aws_port=AWS_PORT, data_api_port=DATA_API_PORT)
    try:
        last = load(directory) or new
    except DamagedError as error:
        print(f"warning: {error}", file=sys.stderr)
        last = new
    recorded = [server for server in (last.control_plane, last.data_api) if processes.is_running(server)]
    keep = ("postgres",) if processes.is_running(last.data_api) else ()  # it has its servers; a new one adopts them
    left = [one for one in processes.strays(directory, recorded) if Path(one.cmdline()[0]).name not in keep]
    processes.stop_strays(left)
    return last


def _check_ports(cloud: LocalAws, last: LocalAws, was_up: set[str]) -> None:
    if cloud.aws_port == cloud.data_api_port:
        raise LocalError(f"--aws-port and --data-api-port must differ, got {cloud.aws_port} for both")
    free: dict[str, int] = {}
    for name, port, used, flag in (
        ("control_plane", cloud.aws_port, last.aws_port, "--aws-port"),
        ("data_api", cloud.data_api_port, last.data_api_port, "--data-api-port"),
    ):
        if name not in was_up:
            free[flag] = port
        elif port != used:
            raise LocalError(f"{flag} must be {used}, where it is up, got {port}: to move it, `local-aws down` first")
    processes.require_free_ports(free)


def save(cloud: LocalAws) -> str:
    """Have the control plane save its state now. Returns a remark about it; an empty one where all was saved.

    Raises:
        LocalError: it could not.
    """
    try:
        signed_call(cloud.key, "POST", f"{cloud.aws_url}/_local/save")
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")
        if reason == STACK_OPERATION:
            return "a stack was being changed: at the next `local-aws up` it is as it was before"
        raise LocalError(
            f"the state of the control plane could not be saved: {reason}; everything still runs: make room, then "
            "`local-aws down`, or `local-aws reset` to remove it all"
        ) from None
    except (OSError, LocalError):
        return ""  # it does not answer: what it answered before is saved
    return ""


def _start_control_plane(cloud: LocalAws) -> Server:
    state = cloud.directory / "aws"
    scratch = state / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    environment = cloud.child_environment() | {
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
        # Servers that would listen on ports of their own.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    return processes.start(
        [sys.executable, "-c", START_CONTROL_PLANE, str(cloud.directory), str(REPOSITORY)],
        environment=environment,
        cwd=state,
        log=_log(cloud, "aws"),
    )


def _start_data_api(cloud: LocalAws, resume_seconds: float, embeddings: str) -> Server:
    command = [
        sys.executable, "-m", "local_aws", "data-api",
        "--port", str(cloud.data_api_port),
        "--aws", cloud.aws_url,
        "--data", str(cloud.directory / "clusters"),
        "--credentials", str(cloud.directory),
        "--resume-seconds", str(resume_seconds),
        "--embeddings", embeddings,
    ]  # fmt: skip
    return processes.start(command, environment=cloud.child_environment(), cwd=REPOSITORY, log=_log(cloud, "data-api"))


def _log(cloud: LocalAws, name: str) -> Path:
    return cloud.directory / "logs" / f"{name}.log"
