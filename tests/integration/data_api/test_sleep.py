"""Auto-pause: what is gone, what is returned, what blocks it."""

from __future__ import annotations

import time

import pytest

from local_aws.data_api.transactions import ABORTED
from tests.support.data_api_endpoint import IMPATIENT_PAUSE, RESUME_SECONDS, Endpoint, until
from tests.support.wire import Answer, Wire

RESUMING = Answer(
    400,
    "DatabaseResumingException",
    {
        "message": "The Aurora DB instance local-instance-1 is resuming after being auto-paused. "
        "Please wait a few seconds and try again."
    },
)


@pytest.fixture
def wire(endpoint: Endpoint) -> Wire:
    return Wire(endpoint.url, resourceArn=endpoint.cluster_arn, secretArn=endpoint.secret_arn, database="postgres")


@pytest.mark.parametrize(
    ("path", "members"),
    [("/Execute", {"sql": "SELECT 1"}), ("/BatchExecute", {"sql": "SELECT 1"}), ("/BeginTransaction", {})],
)
def test_every_call_gets_resuming_until_the_cluster_is_available(
    endpoint: Endpoint, wire: Wire, path: str, members: dict[str, str]
) -> None:
    transaction = wire.call("/BeginTransaction", {}).body
    endpoint.pause()
    assert endpoint.cluster["state"] == "paused"
    with pytest.raises(ProcessLookupError):
        _signal(endpoint.cluster["pid"])
    started = time.monotonic()
    assert wire.call(path, members) == RESUMING
    assert time.monotonic() - started < RESUME_SECONDS / 2
    assert endpoint.cluster["state"] == "resuming"
    assert wire.call("/Execute", {"sql": "SELECT 1"}) == RESUMING
    while (answer := wire.call("/Execute", {"sql": "SELECT 1"})) == RESUMING:
        time.sleep(0.05)
    assert answer.status == 200
    assert time.monotonic() - started > RESUME_SECONDS
    id_ = transaction["transactionId"]
    assert wire.call("/CommitTransaction", transaction) == Answer(
        404,
        "TransactionNotFoundException",
        {"message": f"Transaction {id_} is not found: {ABORTED}"},
    )


def test_data_outlives_a_pause(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE TABLE t AS SELECT 1 AS i", database=database)
    endpoint.pause()
    endpoint.resume()
    assert endpoint.execute("SELECT i FROM t", database=database)["records"] == [[{"longValue": 1}]]


def test_it_pauses_when_no_call_comes(impatient: Endpoint) -> None:
    impatient.execute("SELECT 1")
    time.sleep(IMPATIENT_PAUSE / 2)
    assert impatient.cluster["state"] == "available"
    assert impatient.cluster["idleConnections"] == 1
    until(lambda: impatient.cluster["state"] == "paused", "it is paused")


def test_a_connection_blocks_auto_pause(impatient: Endpoint) -> None:
    with impatient.psql():
        time.sleep(IMPATIENT_PAUSE + 1.5)
        assert impatient.cluster["state"] == "available"


def _signal(pid: int | None) -> None:
    if pid is None:
        raise ProcessLookupError
