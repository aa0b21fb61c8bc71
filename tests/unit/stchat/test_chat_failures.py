"""What the chat function answers for every kind of failure, and what it logs of it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from stchat import errors
from tests.support.chat_function import CANARY, FIELDS, Function


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    return Function(monkeypatch)


def resuming() -> errors.UnavailableError:
    return errors.UnavailableError(CANARY, code="DatabaseResumingException")


ASLEEP = "the database was paused and is resuming: retry"
BUSY = "the database is throttled: retry"
LATE = "the database did not respond in time: retry, nothing is done twice"
FAILED = "the operation failed, and a retry would fail too: see the function's log"
TOO_LARGE = (
    "the response is larger than the 6 MB that a Lambda function may return: request less, with limit, k or a theme"
)
FAILURES: list[tuple[Exception, dict[str, Any], str]] = [
    (
        errors.InputError("chatid", "be a whole number", "text of 3 characters"),
        {"status": 400, "error": "chatid must be a whole number, got text of 3 characters", "field": "chatid"},
        "InputError",
    ),
    (errors.ConflictError("another turn is there"), {"status": 409, "error": "another turn is there"}, "ConflictError"),
    (errors.ResultTooLargeError(CANARY, code="X"), {"status": 413, "error": TOO_LARGE}, "ResultTooLargeError X"),
    (
        errors.UnavailableError(CANARY, code="ThrottlingException"),
        {"status": 429, "error": BUSY, "retry_after": 1},
        "UnavailableError ThrottlingException",
    ),
    (
        errors.EmbeddingUnavailableError(CANARY, code="ThrottlingException"),
        {"status": 429, "error": BUSY.replace("database", "embedding model"), "retry_after": 1},
        "EmbeddingUnavailableError ThrottlingException",
    ),
    (
        resuming(),
        {"status": 503, "error": ASLEEP, "retry_after": 5},
        "UnavailableError DatabaseResumingException",
    ),
    (
        errors.OutcomeUnknownError(CANARY, code="InternalServerErrorException"),
        {"status": 503, "error": LATE, "retry_after": 1},
        "OutcomeUnknownError InternalServerErrorException",
    ),
    (
        errors.EmbeddingUnavailableError(CANARY, code="InternalServerException"),
        {"status": 503, "error": LATE.replace("database", "embedding model"), "retry_after": 1},
        "EmbeddingUnavailableError InternalServerException",
    ),
    (
        errors.StatementTimeoutError(CANARY, code="StatementTimeoutException"),
        {"status": 503, "error": LATE, "retry_after": 1},
        "StatementTimeoutError StatementTimeoutException",
    ),
    (
        errors.DatabaseError(CANARY, code="DatabaseErrorException", sqlstate="40P01", detail=CANARY),
        {"status": 503, "error": LATE, "retry_after": 1},
        "DatabaseError DatabaseErrorException 40P01",
    ),
    (
        errors.DatabaseError(CANARY, code="DatabaseErrorException", sqlstate="42P01", detail=CANARY),
        {"status": 500, "error": FAILED},
        "DatabaseError DatabaseErrorException 42P01",
    ),
    (errors.DataApiError(CANARY, code="AccessDenied"), {"status": 500, "error": FAILED}, "DataApiError AccessDenied"),
    (
        errors.EmbeddingError(CANARY, code="AccessDenied"),
        {"status": 500, "error": FAILED},
        "EmbeddingError AccessDenied",
    ),
    (
        errors.SettingsError("STCHAT_DATABASE is not set"),
        {"status": 500, "error": FAILED},
        "SettingsError: STCHAT_DATABASE is not set",
    ),
    (ValueError(CANARY), {"status": 500, "error": FAILED}, "ValueError at chat_function.py:"),
]


@pytest.mark.parametrize(
    ("failure", "answer", "logged"), FAILURES, ids=[type(error).__name__ for error, *_ in FAILURES]
)
def test_failures(
    function: Function, caplog: pytest.LogCaptureFixture, failure: Exception, answer: dict[str, Any], logged: str
) -> None:
    with caplog.at_level(logging.INFO):
        assert function.invoke("add", FIELDS, failure) == answer
    [record] = caplog.records
    assert record.getMessage().startswith(f"add {answer['status']} ")
    assert f" ms 0 rows {logged}" in record.getMessage()
    assert record.levelno == (logging.ERROR if answer["status"] == 500 else logging.INFO)
    assert CANARY not in str(vars(record))
    reply = function.post("/add", FIELDS)
    assert reply["statusCode"] == answer["status"]
    assert json.loads(reply["body"]) == {name: value for name, value in answer.items() if name != "status"}
    assert reply["headers"].get("Retry-After") == (str(answer["retry_after"]) if "retry_after" in answer else None)


def test_a_partial_failure_returns_what_is_stored(function: Function) -> None:
    half = errors.PartialError(resuming(), stored=96, items=200, created=90, existing=6, truncated=[3])
    assert function.invoke("remember_many", {"items": []}, half) == {
        "status": 503,
        "error": f"96 of 200 items are stored, then: {ASLEEP}; send all again, nothing is stored twice",
        "retry_after": 5,
        "stored": 96,
        "written": 90,
        "known": 6,
        "cut": [3],
    }
