"""Killed processes: what clients receive, what is kept, what is left running."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_aws.data_api.admin_client import AdminClient
from tests.support.data_api_endpoint import KEY, Endpoint, start_endpoint, until


def test_killed_under_load_it_recovers(endpoint: Endpoint, database: str) -> None:
    """SIGKILL of PostgreSQL: errors that AWS would give, and every row that was acknowledged."""
    endpoint.execute("CREATE TABLE t (i bigint PRIMARY KEY)", database=database)
    acknowledged: list[int] = []
    errors: set[str] = set()
    stopped = threading.Event()

    def insert(start: int) -> None:
        for number in range(start, start + 1_000_000):
            if stopped.is_set():
                return
            try:
                endpoint.execute(f"INSERT INTO t VALUES ({number})", database=database)
                acknowledged.append(number)
            except ClientError as error:
                errors.add(error.response["Error"]["Code"])

    threads = [threading.Thread(target=insert, args=(worker * 1_000_000,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(acknowledged) > 100, "inserts succeed")
        os.kill(endpoint.cluster["pid"], signal.SIGKILL)
        until(lambda: bool(errors), "an error is returned")
        before = len(acknowledged)
        until(lambda: len(acknowledged) > before + 100, "inserts succeed again")
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert errors == {"DatabaseUnavailableException"}
    with endpoint.psql(database) as connection:
        stored = {row[0] for row in connection.execute("SELECT i FROM t")}
    assert set(acknowledged) <= stored


def test_what_a_killed_endpoint_left_running_is_adopted(public_directory: Path) -> None:
    directory = public_directory / "adopted"
    directory.mkdir()
    first, url = start_endpoint(directory)
    left = _server(url)
    first.kill()
    first.wait()
    second, url = start_endpoint(directory)
    assert _server(url) == left
    second.terminate()
    assert second.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(left, 0)


def _server(url: str) -> int:
    return int(AdminClient(url, KEY).status()["clusters"][0]["pid"])
