"""A Data API client that fails at one chosen call, in a chosen way; in front of one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from stchat.data_api import DataApi, Database
from tests.support.crash_injection import KilledError

Call = Callable[[], Any]
Fault = Callable[["Faulty", Call], Any]


def _answer(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "injected"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(cast(Any, answer), "op")


def _no_answer_error() -> Exception:
    return ReadTimeoutError(endpoint_url="http://injected")


def _killed(client: Faulty, call: Call) -> Any:
    call()
    client.dead = True
    raise KilledError


def _in_doubt_but_it_ran(client: Faulty, call: Call) -> Any:
    """A 5xx or no answer, by turns: to the runner they are one error (test_data_api.py)."""
    call()
    raise _answer("InternalServerErrorException", 500) if client.calls % 2 else _no_answer_error()


def _in_doubt(client: Faulty, _: Call) -> Any:
    raise _no_answer_error() if client.calls % 2 else _answer("ServiceUnavailableError", 503)


FAULTS: dict[str, Fault] = {
    "killed after": _killed,
    "5xx or no answer, but it ran": _in_doubt_but_it_ran,
    "5xx or no answer": _in_doubt,
}


class Faulty:
    """`at`: the number of the call, from 0, that meets the fault; None: no call does."""

    def __init__(self, client: Any, at: int | None = None, fault: Fault | None = None) -> None:
        self.client, self.at, self.fault = client, at, fault
        self.calls = 0
        self.dead = False
        self.open: set[str] = set()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if self.dead:
                raise KilledError
            number, self.calls = self.calls, self.calls + 1
            if number == self.at and self.fault:
                return self.fault(self, lambda: self._call(operation, arguments))
            return self._call(operation, arguments)

        return call

    def _call(self, operation: str, arguments: dict[str, Any]) -> Any:
        answer = getattr(self.client, operation)(**arguments)
        if operation == "begin_transaction":
            self.open.add(answer["transactionId"])
        elif operation != "execute_statement":
            self.open.discard(arguments["transactionId"])
        return answer


class Busy:
    """Every call is first answered with `resuming`, then with `throttled`, then done."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls = 0

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            if self.calls % 3:
                raise _answer(("DatabaseResumingException", "ThrottlingException")[self.calls % 3 - 1], 400)
            return getattr(self.client, operation)(**arguments)

        return call


class Watched:
    """A client that counts the calls of each operation, and has something done before one of them, counted from 0."""

    def __init__(self, client: Any, at: int | None = None, do: Callable[[], object] = lambda: None) -> None:
        self.client, self.at, self.do = client, at, do
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if len(self.calls) == self.at:
                self.do()
            self.calls.append(operation)
            return getattr(self.client, operation)(**arguments)

        return call


def data_api(database: Database) -> DataApi:
    """For a test that counts calls of the Data API: over another transport it is skipped."""
    if not isinstance(database, DataApi):
        pytest.skip("counts calls of the Data API")
    return database


def watched(api: DataApi, client: Watched) -> DataApi:
    return replace(api, client=cast(Any, client))
