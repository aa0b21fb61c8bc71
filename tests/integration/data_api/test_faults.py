"""Faults on demand: each kind does what its name promises, as often as it is given."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.support.data_api_endpoint import Endpoint

INSERT = "INSERT INTO t VALUES (1)"


@pytest.fixture
def table(endpoint: Endpoint, database: str) -> Iterator[str]:
    """A database with an empty table `t`."""
    endpoint.execute("CREATE TABLE t (i int)", database=database)
    yield database
    endpoint.clear_faults()


def rows(endpoint: Endpoint, database: str) -> int:
    return int(endpoint.execute("SELECT count(*) FROM t", database=database)["records"][0][0]["longValue"])


@pytest.mark.parametrize(
    ("kind", "code", "status", "inserted"),
    [
        ("throttle", "ThrottlingException", 400, 0),
        ("error_before", "InternalServerErrorException", 500, 0),
        ("error_after", "InternalServerErrorException", 500, 1),
    ],
)
def test_errors(endpoint: Endpoint, table: str, kind: str, code: str, status: int, inserted: int) -> None:
    endpoint.add_fault(kind, operation="ExecuteStatement", sql="^INSERT")
    with pytest.raises(ClientError) as caught:
        endpoint.execute(INSERT, database=table)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert rows(endpoint, table) == inserted
    endpoint.execute(INSERT, database=table)
    assert rows(endpoint, table) == inserted + 1


@pytest.mark.parametrize(("kind", "inserted"), [("drop_before", 0), ("drop_after", 1)])
def test_dropped_connections(endpoint: Endpoint, table: str, kind: str, inserted: int) -> None:
    endpoint.add_fault(kind, sql="^INSERT")
    with pytest.raises(ConnectionClosedError):
        endpoint.execute(INSERT, database=table)
    assert rows(endpoint, table) == inserted


def test_rules_count(endpoint: Endpoint) -> None:
    endpoint.add_fault("error_before", error="ServiceUnavailableError", operation="ExecuteStatement", count=2)
    for _ in range(2):
        with pytest.raises(endpoint.client.exceptions.ServiceUnavailableError):
            endpoint.execute("SELECT 1")
    endpoint.execute("SELECT 1")
    [rule] = endpoint.admin.faults()
    assert (rule["applied"], rule["count"]) == (2, 0)
    endpoint.clear_faults()
    assert endpoint.admin.faults() == []


def test_latency(endpoint: Endpoint) -> None:
    endpoint.add_fault("latency", seconds=0.3)
    response = endpoint.execute("SELECT clock_timestamp() - :before::timestamptz > '0.3 s'", parameters=[
        {"name": "before", "value": {"stringValue": endpoint.psql().execute("SELECT now()::text").fetchone()[0]}}  # type: ignore[index]
    ])  # fmt: skip
    assert response["records"] == [[{"booleanValue": True}]]


@pytest.mark.parametrize(
    ("rule", "message"),
    [({"kind": "nonsense"}, "'nonsense' is not a valid Kind"), ({"kind": "latency", "sql": "("}, "missing )")],
)
def test_what_is_no_rule_is_refused(endpoint: Endpoint, rule: dict[str, str], message: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        endpoint.admin.add_fault(**rule)
    assert message in caught.value.read().decode()
