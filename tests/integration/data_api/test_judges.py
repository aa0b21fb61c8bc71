"""Clients of others judge the endpoint: their own tests, or tests of ours through their drivers."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from local_aws.state import REGION
from tests.support.data_api_endpoint import Endpoint
from tests.support.repository import REPOSITORY

CLIENTS = REPOSITORY / "tests" / "clients"
SDIST = (
    "sqlalchemy-aurora-data-api==0.5.0 --hash=sha256:77190b04eb8e9f7e89daaaf61fdf87b6f5bf0a29cfc80ebec6f8a616f863b34b"
)
# Its other half tests MySQL.
SDIST_TESTS = "test/test.py::TestAuroraDataAPIPostgresDialect"


@pytest.fixture
def environment(endpoint: Endpoint, database: str) -> dict[str, str]:
    """What a user exports to point any SDK at the endpoint."""
    return os.environ | {
        "AWS_ENDPOINT_URL_RDS_DATA": endpoint.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "STCHAT_CLUSTER_ARN": endpoint.cluster_arn,
        "STCHAT_SECRET_ARN": endpoint.secret_arn,
        "STCHAT_DATABASE": database,
        "AURORA_CLUSTER_ARN": endpoint.cluster_arn,
        "AURORA_SECRET_ARN": endpoint.secret_arn,
        "AURORA_DB_NAME": database,
    }


@pytest.fixture(scope="module")
def node_modules() -> None:
    """The Node clients, as their lock file pins them."""
    lock, installed = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=CLIENTS)


@pytest.mark.usefixtures("node_modules")
@pytest.mark.parametrize(("client", "tests"), [("drizzle", 6), ("kysely", 4)])
def test_node_client(client: str, tests: int, environment: dict[str, str]) -> None:
    output = run("node", "--test", "--test-reporter=tap", f"{client}.test.js", cwd=CLIENTS, environment=environment)
    assert f"# pass {tests}\n" in output, output


def test_sqlalchemy_aurora_data_api(tmp_path: Path, environment: dict[str, str]) -> None:
    """The tests in its source distribution, of the very version that is installed."""
    (tmp_path / "requirement").write_text(SDIST)
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes",
        "--requirement", "requirement", cwd=tmp_path)  # fmt: skip
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.glob("sqlalchemy*/")
    output = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SDIST_TESTS, cwd=unpacked,
                 environment=environment)  # fmt: skip
    assert "4 passed" in output, output


def run(*command: str, cwd: Path, environment: dict[str, str] | None = None) -> str:
    """Run a program that must succeed; returns what it printed."""
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
