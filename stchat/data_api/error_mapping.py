"""Errors of boto3's `rds-data` client to this project's."""

from __future__ import annotations

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)

from stchat.errors import (
    DataApiError,
    DatabaseError,
    OutcomeUnknownError,
    ResultTooLargeError,
    StatementTimeoutError,
    TransactionLostError,
    UnavailableError,
)

_BY_CODE: dict[str, type[DataApiError]] = {
    "DatabaseResumingException": UnavailableError,
    "ThrottlingException": UnavailableError,
    "TooManyRequestsException": UnavailableError,
    "StatementTimeoutException": StatementTimeoutError,
    "TransactionNotFoundException": TransactionLostError,
    "DatabaseUnavailableException": OutcomeUnknownError,
    "ServiceUnavailableError": OutcomeUnknownError,
    "InternalServerErrorException": OutcomeUnknownError,
}
_NOT_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
# One call at a time in a transaction: the one before has not ended yet, so this one was not begun.
_OCCUPIED = "still running a query"
# Two wordings of the 1 MiB that an answer may have; a row of over 64 KB is another matter.
_TOO_LARGE = ("result exceeds the size limit", "more than the allowed response size limit")

_POSTGRESQL = re.compile(
    r"(?:\w+: )?(?P<message>.*?)(?:; Detail: (?P<detail>.*?))?(?:; Hint: (?P<hint>.*?))?"
    r"(?:; Position: (?P<position>\d+))?; SQLState: (?P<sqlstate>\w{5})",
    re.DOTALL,
)


def translate(error: ClientError | BotoCoreError) -> DataApiError:
    if isinstance(error, ClientError):
        return _from_answer(error)
    name = type(error).__name__
    if isinstance(error, _NOT_SENT):
        return UnavailableError(str(error), code=name)
    if isinstance(error, HTTPClientError):
        return OutcomeUnknownError(str(error), code=name)
    return DataApiError(str(error), code=name)


def _from_answer(error: ClientError) -> DataApiError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "DatabaseErrorException":
        return _from_postgresql(message, code)
    if _OCCUPIED in message:
        return UnavailableError(message, code=code)
    if any(words in message for words in _TOO_LARGE):
        return ResultTooLargeError(f"{code}: {message}", code=code)
    fallback = OutcomeUnknownError if status >= 500 else DataApiError
    return _BY_CODE.get(code, fallback)(f"{code}: {message}", code=code)


def _from_postgresql(message: str, code: str) -> DatabaseError:
    found = _POSTGRESQL.fullmatch(message)
    if not found:
        return DatabaseError(message, code=code)
    return DatabaseError(
        found["message"],
        code=code,
        sqlstate=found["sqlstate"],
        detail=found["detail"] or "",
        hint=found["hint"] or "",
        position=int(found["position"]) if found["position"] else None,
    )
