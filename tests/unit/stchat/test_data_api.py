"""The client against answers as botocore gives them: what is repeated, what is raised, what a value becomes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ReadTimeoutError

from stchat.data_api import DataApi
from stchat.data_api.values import to_parameters, to_rows
from stchat.errors import (
    DataApiError,
    DatabaseError,
    OutcomeUnknownError,
    ResultTooLargeError,
    StatementTimeoutError,
    TransactionAbortedError,
    TransactionLostError,
    UnavailableError,
)

OK = {"numberOfRecordsUpdated": 1, "generatedFields": []}


def fault(code: str, message: str = "m", status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(cast(Any, answer), "op")


class Client:
    """Answers what it is given, in order, and keeps the calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers: Iterator[Any] = iter(answers)
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            self.calls.append(operation)
            answer = next(self.answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture(autouse=True)
def clock_that_sleeping_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def api(*answers: Any, timeout: float = 60) -> tuple[DataApi, Client]:
    client = Client(*answers)
    return DataApi(cast(Any, client), "cluster", "secret", "app", timeout), client


RESUMING = fault("DatabaseResumingException", "The Aurora DB instance x is resuming after being auto-paused.")
NOT_RUN = [RESUMING, fault("ThrottlingException"), EndpointConnectionError(endpoint_url="http://x")]
IN_DOUBT = [
    fault("InternalServerErrorException", status=500),
    fault("ServiceUnavailableError", status=503),
    fault("DatabaseUnavailableException", status=504),
    fault("502", status=502),
    ReadTimeoutError(endpoint_url="http://x"),
]


@pytest.mark.parametrize("error", NOT_RUN, ids=repr)
def test_what_cannot_have_run_is_sent_again(error: Exception) -> None:
    data_api, client = api(error, error, OK)
    assert data_api.execute("INSERT").updated == 1
    assert len(client.calls) == 3


@pytest.mark.parametrize("error", IN_DOUBT, ids=repr)
def test_what_may_have_run_is_not_sent_again(error: Exception) -> None:
    data_api, client = api(error, OK)
    with pytest.raises(OutcomeUnknownError):
        data_api.execute("INSERT")
    assert client.calls == ["execute_statement"]


@pytest.mark.parametrize("error", IN_DOUBT, ids=repr)
def test_what_is_repeatable_is_sent_again(error: Exception) -> None:
    data_api, _ = api(error, OK)
    assert data_api.execute("SELECT", idempotent=True).updated == 1


def test_patience_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "stchat")
    data_api, client = api(*[RESUMING] * 100, timeout=30)
    with pytest.raises(UnavailableError, match="is resuming after being auto-paused"):
        data_api.execute("SELECT secret_word")
    assert 8 < len(client.calls) < 20
    assert caplog.messages[0] == (
        "waiting for the database, 0 s so far: DatabaseResumingException:"
        " The Aurora DB instance x is resuming after being auto-paused."
    )
    assert 2 <= len(caplog.messages) <= 3  # of 30 s
    assert "secret_word" not in caplog.text


@pytest.mark.parametrize("seconds", [0, -5])
def test_without_time_left_there_is_one_try(seconds: float) -> None:
    data_api, client = api(*[RESUMING] * 3)
    with pytest.raises(UnavailableError):
        data_api.with_timeout(seconds).execute("SELECT")
    assert len(client.calls) == 1


RAISED: dict[Exception, type[DataApiError]] = {
    fault("StatementTimeoutException"): StatementTimeoutError,
    fault("TransactionNotFoundException", status=404): TransactionLostError,
    fault("AccessDeniedException", status=403): DataApiError,
    fault("UnsupportedResultException", "The result exceeds the size limit 1 MB"): ResultTooLargeError,
    fault("BadRequestException", "Database returned more than the allowed response size limit"): ResultTooLargeError,
    fault("UnsupportedResultException", "The result contains a row that exceeds the size limit 64 KB"): DataApiError,
    fault("ValidationException", "Multistatements aren't supported."): DataApiError,
    BotoCoreError(): DataApiError,
}


@pytest.mark.parametrize(("error", "kind"), RAISED.items(), ids=repr)
def test_raised(error: Exception, kind: type[DataApiError]) -> None:
    data_api, _ = api(error)
    with pytest.raises(DataApiError) as raised:
        data_api.execute("SELECT")
    assert type(raised.value) is kind


REFUSED = fault("DatabaseErrorException", 'FATAL: password authentication failed for user "x"; SQLState: 28P01')


def test_a_refused_login_is_repeated_while_a_rotation_may_change_the_password() -> None:
    there, client = api(REFUSED, REFUSED, OK)
    there.execute("INSERT INTO t VALUES (1)")
    assert len(client.calls) == 3


def test_a_wrong_password_is_raised_after_ten_seconds() -> None:
    there, _ = api(*[REFUSED] * 200)
    with pytest.raises(DatabaseError, match="password authentication failed"):
        there.execute("SELECT 1")
    assert 10 <= time.monotonic() < 20


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("ERROR: no; SQLState: 42P01", ("no", "", "", None, "42P01")),
        (
            'ERROR: relation "a; b" is gone; Position: 7; SQLState: 42P01',
            ('relation "a; b" is gone', "", "", 7, "42P01"),
        ),
        ("ERROR: a; Detail: b; c; Hint: d; Position: 12; SQLState: 23505", ("a", "b; c", "d", 12, "23505")),
        ("FATAL: a\nb; SQLState: 28000", ("a\nb", "", "", None, "28000")),
        ("something else", ("something else", "", "", None, "")),
    ],
)
def test_postgresql_error(text: str, fields: tuple[Any, ...]) -> None:
    data_api, _ = api(fault("DatabaseErrorException", text))
    with pytest.raises(DatabaseError) as raised:
        data_api.execute("SELECT")
    error = raised.value
    assert (str(error), error.detail, error.hint, error.position, error.sqlstate) == fields


def test_transaction_commits() -> None:
    data_api, client = api({"transactionId": "1"}, OK, {})
    with data_api.transaction() as transaction:
        transaction.execute("INSERT")
    assert client.calls == ["begin_transaction", "execute_statement", "commit_transaction"]


def test_transaction_rolls_back_and_raises_what_was_raised() -> None:
    data_api, client = api(
        {"transactionId": "1"}, fault("InternalServerErrorException", status=500), RESUMING, BotoCoreError()
    )
    with pytest.raises(OutcomeUnknownError), data_api.transaction() as transaction:
        transaction.execute("INSERT")
    assert client.calls == ["begin_transaction", "execute_statement", "rollback_transaction", "rollback_transaction"]


def test_a_commit_in_doubt_is_not_sent_again() -> None:
    lost = fault("TransactionNotFoundException", status=404)
    data_api, client = api({"transactionId": "1"}, fault("InternalServerErrorException", status=500), lost)
    with pytest.raises(OutcomeUnknownError), data_api.transaction():
        pass
    assert client.calls == ["begin_transaction", "commit_transaction", "rollback_transaction"]


@pytest.mark.parametrize("code", ["DatabaseErrorException", "BadRequestException"])
def test_a_busy_transaction_is_waited_for(code: str) -> None:
    """F2: on AWS it is a DatabaseErrorException without an SQLState, elsewhere a BadRequestException."""
    busy = fault(code, "Transaction is still running a query")
    data_api, client = api({"transactionId": "1"}, busy, busy, OK, {})
    with data_api.transaction() as transaction:
        transaction.execute("INSERT")
    assert client.calls.count("execute_statement") == 3


def test_postgresqls_own_words_are_not_a_busy_transaction() -> None:
    raised = fault("DatabaseErrorException", "ERROR: Transaction is still running a query; SQLState: P0001")
    data_api, client = api(raised, OK)
    with pytest.raises(DatabaseError):
        data_api.execute("SELECT")
    assert len(client.calls) == 1


FAILED = fault("DatabaseErrorException", "ERROR: duplicate key value; SQLState: 23505")


def test_a_failure_that_is_caught_is_not_committed() -> None:
    """F1: AWS answers the commit with 200 "Transaction Committed", and keeps nothing of the transaction."""
    data_api, client = api({"transactionId": "1"}, OK, FAILED, {"transactionStatus": "Rollback Complete"})
    with pytest.raises(TransactionAbortedError) as raised, data_api.transaction() as transaction:
        transaction.execute("INSERT")
        with suppress(DatabaseError):
            transaction.execute("INSERT")
    assert str(raised.value) == (
        "the transaction was rolled back, because a statement in it failed and the error was caught:"
        " duplicate key value: let the error leave the `with` block, or use a savepoint"
    )
    assert (raised.value.sqlstate, cast(DatabaseError, raised.value.cause).sqlstate) == ("25P02", "23505")
    assert client.calls[-1] == "rollback_transaction"
    assert "commit_transaction" not in client.calls


def test_after_a_rollback_to_a_savepoint_it_is_committed() -> None:
    data_api, client = api({"transactionId": "1"}, OK, FAILED, OK, {})
    with data_api.transaction() as transaction:
        transaction.execute("SAVEPOINT one")
        with suppress(DatabaseError):
            transaction.execute("INSERT")
        transaction.execute("ROLLBACK TO SAVEPOINT one")
    assert client.calls[-1] == "commit_transaction"


def test_a_refused_port_of_this_machine_is_an_error_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client = boto3.Session("a", "b", region_name="ap-northeast-1").client(
        "rds-data", endpoint_url=f"http://127.0.0.1:{port}", config=Config(retries={"total_max_attempts": 1})
    )
    with pytest.raises(DataApiError) as raised:
        DataApi(client, "arn:the-cluster", "arn:the-secret", "app").execute("SELECT 1", idempotent=True)
    assert type(raised.value) is DataApiError
    assert str(raised.value).startswith(f"nothing listens at http://127.0.0.1:{port}/Execute: start the local AWS")
    assert time.monotonic() == 0, "it did not wait"


INTO = {
    "null": (None, {"isNull": True}, None),
    "bool": (True, {"booleanValue": True}, None),
    "int": (1, {"longValue": 1}, None),
    "float": (0.5, {"doubleValue": 0.5}, None),
    "str": ("x", {"stringValue": "x"}, None),
    "bytes": (b"x", {"blobValue": b"x"}, None),
    "numeric": (Decimal("1.50"), {"stringValue": "1.50"}, "DECIMAL"),
    "uuid": (UUID(int=1), {"stringValue": "00000000-0000-0000-0000-000000000001"}, "UUID"),
    "date": (date(2026, 1, 2), {"stringValue": "2026-01-02"}, "DATE"),
    "time": (clock(1, 2, 3), {"stringValue": "01:02:03"}, "TIME"),
    "timestamp": (datetime(2026, 1, 2, 3), {"stringValue": "2026-01-02 03:00:00"}, "TIMESTAMP"),  # noqa: DTZ001
    "timestamptz": (
        datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=9))),
        {"stringValue": "2026-01-01 18:00:00"},
        "TIMESTAMP",
    ),
    "jsonb": ({"a": [1]}, {"stringValue": '{"a": [1]}'}, "JSON"),
}


@pytest.mark.parametrize(("value", "field", "hint"), INTO.values(), ids=INTO)
def test_value_there_and_back(request: pytest.FixtureRequest, value: Any, field: Any, hint: str | None) -> None:
    expected = {"name": "p", "value": field} | ({"typeHint": hint} if hint else {})
    assert to_parameters({"p": value}) == [expected]
    type_name = request.node.callspec.id
    assert to_rows([[field]], [{"label": "p", "typeName": type_name}]) == [{"p": value}]


def test_array_and_moment_out() -> None:
    columns: Any = [{"label": "a", "typeName": "_int4"}, {"label": "m", "typeName": "timestamptz"}]
    records: Any = [[{"arrayValue": {"longValues": [1, 2]}}, {"stringValue": "2026-01-02 03:04:05.678"}]]
    assert to_rows(records, columns) == [{"a": [1, 2], "m": datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)}]


def test_value_refused() -> None:
    with pytest.raises(TypeError) as raised:
        to_parameters({"p": {1}})
    assert str(raised.value) == (
        "parameter p must be one of Decimal, NoneType, UUID, bool, bytes, date, datetime, dict, float, int, list, str,"
        " time, got set"
    )
