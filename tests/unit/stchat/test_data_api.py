"""The client against answers as botocore gives them: what is repeated, what is raised, what a value becomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ReadTimeoutError

from stchat.data_api import DataApi
from stchat.data_api.values import to_parameters, to_rows
from stchat.errors import (
    DataApiError,
    DatabaseError,
    OutcomeUnknownError,
    ResultTooLargeError,
    StatementTimeoutError,
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
