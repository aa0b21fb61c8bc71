"""The local AWS, brought up once by the command that a user types; every test is a user's next step."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hostile_environment import hostile_environment, listening
from tests.support.local_aws_cli import HISTORY, SNAPSHOT, LocalAwsCli, new_local_aws, take_snapshot
from tests.support.repository import REPOSITORY

APP = ("app.py", "cdk.json", "Makefile", "stacks", "constructs_lib", "stchat", "sql", "pipeline")
PINS = ("pyproject.toml", "requirements-dev.txt", "package-lock.json")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A shell full of settings for other servers, which nothing follows until the last test has ended."""
    with listening() as trap:
        yield hostile_environment(trap, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory, hostile: dict[str, str]) -> Iterator[LocalAwsCli]:
    """Up and deployed in that shell: all that `up` starts, and all that a deploy runs, had its settings."""
    here = new_local_aws(tmp_path_factory.mktemp("local_aws"), "auto")
    try:
        here.shown_by_up.write_text(here.must("up", *here.ports, environment=hostile))
        print(here.shown_by_up.read_text())
        yield here
    finally:
        here.run("down")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own copy of the app, to change."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in APP:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    (copy / "node_modules").symlink_to(REPOSITORY / "node_modules")
    (copy / ".venv").symlink_to(sys.prefix)
    for name in PINS:
        shutil.copy(REPOSITORY / name, copy)
        os.utime(copy / name, (0, 0))  # older than what is installed: make installs nothing here
    return copy


@pytest.fixture(scope="session")
def dev_snapshot(local_aws: LocalAwsCli) -> str:
    """The snapshot of `dev`, with a row of the user e2e: that of test_deploy.py, or a new one where it did not run."""
    rds = local_aws.client("rds")
    taken = {
        found["DBClusterSnapshotIdentifier"] for found in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
    }
    if SNAPSHOT not in taken:
        local_aws.sql(f"INSERT INTO {HISTORY} (userid, themename, chatid) VALUES ('e2e', 'theme', 1) RETURNING userid")
        take_snapshot(local_aws)
    return SNAPSHOT
