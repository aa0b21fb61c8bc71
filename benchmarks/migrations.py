"""How long the schema's runner takes: spec.md's SQL, a deploy with nothing to do, and a long index build.

    python -m benchmarks.migrations [--rows 60000]

Starts a Data API endpoint and PostgreSQL of its own. The index is HNSW over that many vectors of 1024 dimensions; the
runner is called as the Provider framework calls isComplete, until it returns that nothing is left.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from local_aws.data_api.standalone import CLUSTER_ARN, MASTER_SECRET, secret_arn
from stchat.data_api import DataApi
from stchat.handlers.schema import SQL, TIMEOUT_SECONDS
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load

PORT = 45_679
BATCH = 2_000
INDEX = """-- stchat: non-transactional
CREATE INDEX CONCURRENTLY memory_hnsw ON memory USING hnsw (v vector_l2_ops);
"""
TABLE = "CREATE EXTENSION vector;\nCREATE TABLE memory (n bigint, v vector(1024) NOT NULL);\n"
# Uncorrelated vectors, which are the slowest to index.
FILL = """
INSERT INTO memory
SELECT s.n, (SELECT array_agg(random())::vector FROM generate_series(1, 1024) WHERE s.n > 0)
FROM generate_series(1, :rows) AS s (n)"""


class Counted:
    """A client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self.client, self.calls = client, 0

    def __getattr__(self, operation: str) -> Any:
        self.calls += 1
        return getattr(self.client, operation)


def spec(api: DataApi) -> None:
    for what in ("all of sql/", "nothing to do"):
        client: Any = Counted(api.client)
        began = time.monotonic()
        runner = Runner(DataApi(client, CLUSTER_ARN, api.secret_arn, "postgres"), load(SQL).migrations, SQL, "bench")
        assert runner.apply()
        print(f"{what}: {client.calls} calls, {time.monotonic() - began:.2f} s", flush=True)


def index_build(api: DataApi, rows: int, directory: Path) -> None:
    folder = directory / "bench"
    folder.mkdir()
    (folder / "0001_memory.sql").write_text(TABLE)
    api.execute("CREATE DATABASE bench")
    assert Runner(api, load(directory).migrations, directory, "bench").apply()
    began = time.monotonic()
    for _ in range(rows // BATCH):
        api.with_database("bench").execute(FILL, {"rows": BATCH})
    print(f"{rows:,} rows: {time.monotonic() - began:.0f} s", flush=True)
    (folder / "0002_index.sql").write_text(INDEX)
    began, times, longest = time.monotonic(), 0, 0.0
    done = False
    while not done:
        called = time.monotonic()
        done = Runner(api, load(directory).migrations, directory, "bench").apply(timeout=TIMEOUT_SECONDS)
        times, longest = times + 1, max(longest, time.monotonic() - called)
    print(f"index: {time.monotonic() - began:.0f} s, {times} calls of isComplete, the longest {longest:.0f} s")
    print(api.with_database("bench").execute("SELECT version, tries, duration_ms FROM schema_migrations").rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60_000)
    rows = parser.parse_args().rows
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("stchat").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        (directory / "sql").mkdir()
        command = [sys.executable, "-m", "local_aws.data_api", "--port", str(PORT), "--data", str(directory / "data")]
        endpoint = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert endpoint.stdout
            assert any(line.startswith("Data API on") for line in endpoint.stdout)
            client = boto3.client("rds-data", endpoint_url=f"http://127.0.0.1:{PORT}", region_name="ap-northeast-1")
            api = DataApi(client, CLUSTER_ARN, secret_arn(MASTER_SECRET), "postgres")
            spec(api)
            index_build(api, rows, directory / "sql")
        finally:
            endpoint.terminate()
            endpoint.wait()


if __name__ == "__main__":
    main()
