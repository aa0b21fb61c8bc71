"""A control plane with one cluster as CloudFormation makes it, and an endpoint that asks it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.postgres.system import free_port
from local_aws.stack import START_CONTROL_PLANE
from local_aws.state import REGION
from tests.support.control_plane import STACK, TEMPLATE, LocalAws, deploy
from tests.support.data_api_endpoint import (
    IMPATIENT_IDLE,
    IMPATIENT_PAUSE,
    IMPATIENT_STATEMENT,
    IMPATIENT_TOTAL,
    KEY,
    RESUME_SECONDS,
    Endpoint,
    client,
    running,
    start_endpoint,
    write_key,
)
from tests.support.repository import REPOSITORY


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
    """An endpoint with short limits, running."""
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
            database="first",
        ),
    )
    process.terminate()
    assert process.wait(30) == 0
