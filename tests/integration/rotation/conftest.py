"""A cluster on the local AWS with a master and one role, each with a secret that is rotated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import stack
from local_aws.postgres.system import free_port
from tests.support.rotating_secrets import RotatingSecrets, create_rotating_secrets


@pytest.fixture(scope="package")
def rotating() -> Iterator[RotatingSecrets]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL runs as another user when root starts it
        with stack.running(
            directory, aws_port=free_port(), data_api_port=free_port(), resume_seconds=0.5, embeddings="hashed"
        ) as here:
            try:
                yield create_rotating_secrets(here)
            finally:
                stack.stop(here)
