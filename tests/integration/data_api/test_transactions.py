"""Transactions: apart from one another, one call at a time, and none that lasts for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_rds_data.type_defs import SqlParameterTypeDef

from stchat.data_api import DataApi, Transaction
from stchat.errors import DatabaseError, TransactionAbortedError, UnavailableError
from tests.support.data_api_endpoint import IMPATIENT_IDLE, IMPATIENT_TOTAL, Endpoint

Request = dict[str, Any]


def begin(endpoint: Endpoint, database: str = "postgres", secret: str | None = None) -> Request:
    """Members that put a call into a new transaction."""
    cluster = {"resourceArn": endpoint.cluster_arn, "secretArn": secret or endpoint.secret_arn}
    id_ = endpoint.client.begin_transaction(**cluster, database=database)["transactionId"]
    return cluster | {"transactionId": id_}


def message(call: Callable[[], object]) -> str:
    """The message of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        call()
    return f"{caught.value.response['Error']['Code']}: {caught.value.response['Error']['Message']}"


def numbers(endpoint: Endpoint, database: str, **members: Any) -> list[int]:
    records = endpoint.execute("SELECT i FROM t ORDER BY i", database=database, **members)["records"]
    return [row[0]["longValue"] for row in records]


def test_commit_and_rollback(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE TABLE t (i int)", database=database)
    kept, dropped = begin(endpoint, database), begin(endpoint, database)
    endpoint.execute("INSERT INTO t VALUES (1)", **kept)
    endpoint.execute("INSERT INTO t VALUES (2)", **dropped)
    assert numbers(endpoint, database, **kept) == [1]
    assert numbers(endpoint, database, **dropped) == [2]
    assert numbers(endpoint, database) == []
    assert endpoint.client.commit_transaction(**kept)["transactionStatus"] == "Transaction Committed"
    assert endpoint.client.rollback_transaction(**dropped)["transactionStatus"] == "Rollback Complete"
    assert numbers(endpoint, database) == [1]
    ended = (
        f"TransactionNotFoundException: Transaction {kept['transactionId']} is not found: "
        "One previous call resulted in a termination of your transaction."
    )
    assert message(lambda: endpoint.execute("SELECT 1", **kept)) == ended
    assert message(lambda: endpoint.client.commit_transaction(**kept)) == ended


def test_the_commit_of_a_failed_transaction_rolls_back(endpoint: Endpoint, database: str) -> None:
    """As on Aurora, where cloud-utils/aurora-data-api's suite passes only so: 200, and nothing of it is kept."""
    endpoint.execute("CREATE TABLE t (i int)", database=database)
    failed = begin(endpoint, database)
    endpoint.execute("INSERT INTO t VALUES (1)", **failed)
    assert "22012" in message(lambda: endpoint.execute("SELECT 1/0", **failed))
    assert endpoint.client.commit_transaction(**failed)["transactionStatus"] == "Transaction Committed"
    assert numbers(endpoint, database) == []


def data_api(endpoint: Endpoint, database: str, timeout: float) -> DataApi:
    return DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, database, timeout)


def test_the_client_notices_a_commit_that_was_a_rollback(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE TABLE t (i int)", database=database)
    with (
        pytest.raises(TransactionAbortedError) as raised,
        data_api(endpoint, database, timeout=0).transaction() as transaction,
    ):
        transaction.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(DatabaseError):
            transaction.execute("SELECT 1/0")
    assert str(raised.value) == (
        "the transaction was rolled back, because a statement in it failed and the error was caught: division by zero:"
        " let the error leave the `with` block, or use a savepoint"
    )
    assert numbers(endpoint, database) == []


def test_a_savepoint_lets_the_client_commit(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE TABLE t (i int)", database=database)
    with data_api(endpoint, database, timeout=0).transaction() as transaction:
        transaction.execute("INSERT INTO t VALUES (1)")
        transaction.execute("SAVEPOINT before_it")
        with pytest.raises(DatabaseError):
            transaction.execute("SELECT 1/0")
        transaction.execute("ROLLBACK TO before_it")
    assert numbers(endpoint, database) == [1]


def test_a_deferred_constraint_fails_the_commit(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED)", database=database)
    failed = begin(endpoint, database)
    endpoint.execute("INSERT INTO t VALUES (1), (1)", **failed)
    assert "SQLState: 23505" in message(lambda: endpoint.client.commit_transaction(**failed))
    assert numbers(endpoint, database) == []


def test_a_result_over_the_limit_ends_the_transaction(endpoint: Endpoint, database: str) -> None:
    over = begin(endpoint, database)
    too_much = "SELECT repeat('x', 1000) FROM generate_series(1, 1100)"
    assert message(lambda: endpoint.execute(too_much, **over)).endswith("The result exceeds the size limit 1 MB")
    assert message(lambda: endpoint.execute("SELECT 1", **over)).endswith(
        "is not found: Transaction has been aborted due to an error from a previous call."
    )


def test_one_call_at_a_time(endpoint: Endpoint) -> None:
    shared = begin(endpoint)
    sleeping = threading.Thread(target=lambda: endpoint.execute("SELECT pg_sleep(0.5)::text", **shared))
    sleeping.start()
    time.sleep(0.2)
    occupied = message(lambda: endpoint.execute("SELECT 1", **shared))
    sleeping.join()
    assert occupied == "DatabaseErrorException: Transaction is still running a query"  # AWS's guide, differences
    assert endpoint.execute("SELECT 1", **shared)["records"] == [[{"longValue": 1}]]
    endpoint.client.rollback_transaction(**shared)


def test_the_client_waits_for_the_statement_before(endpoint: Endpoint) -> None:
    """A call that was not begun may be sent again."""
    with data_api(endpoint, "postgres", timeout=20).transaction() as transaction:
        sleeping = threading.Thread(target=lambda: transaction.execute("SELECT pg_sleep(0.5)::text"))
        sleeping.start()
        time.sleep(0.2)
        impatient = Transaction(data_api(endpoint, "postgres", timeout=0), transaction.id)
        with pytest.raises(UnavailableError, match=r"^DatabaseErrorException: Transaction is still running a query$"):
            impatient.execute("SELECT 1 AS one")
        assert transaction.execute("SELECT 1 AS one").rows == [{"one": 1}]
        sleeping.join()


def test_another_user_does_not_find_it(endpoint: Endpoint) -> None:
    endpoint.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    theirs = begin(endpoint) | {"secretArn": endpoint.add_secret("guest", "guest")}
    assert "TransactionNotFoundException" in message(lambda: endpoint.execute("SELECT 1", **theirs))
    endpoint.execute("DROP ROLE guest")


def test_an_idle_one_expires(impatient: Endpoint) -> None:
    forgotten = begin(impatient)
    impatient.execute("SELECT 1", **forgotten)
    assert impatient.cluster["openTransactions"] == 1
    time.sleep(IMPATIENT_IDLE + 0.8)
    assert impatient.cluster["openTransactions"] == 0
    assert message(lambda: impatient.execute("SELECT 1", **forgotten)) == (
        f"TransactionNotFoundException: Transaction {forgotten['transactionId']} is not found: "
        "Transaction may be expired."
    )


def test_an_old_one_expires_although_it_is_used(impatient: Endpoint) -> None:
    old = begin(impatient)
    deadline = time.monotonic() + IMPATIENT_TOTAL + 2
    with pytest.raises(impatient.client.exceptions.TransactionNotFoundException, match="Transaction may be expired"):
        while time.monotonic() < deadline:
            impatient.execute("SELECT 1", **old)
            time.sleep(0.2)


def test_a_batch_is_all_or_nothing(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE TABLE t (i int UNIQUE)", database=database)
    sets: list[list[SqlParameterTypeDef]] = [[{"name": "i", "value": {"longValue": value}}] for value in (1, 2, 1)]
    with pytest.raises(endpoint.client.exceptions.DatabaseErrorException):
        endpoint.client.batch_execute_statement(
            resourceArn=endpoint.cluster_arn,
            secretArn=endpoint.secret_arn,
            database=database,
            sql="INSERT INTO t VALUES (:i)",
            parameterSets=sets,
        )
    assert numbers(endpoint, database) == []
