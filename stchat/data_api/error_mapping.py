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

from stchat.data_api.aws_client import is_loopback
from stchat.data_api.aws_errors import describe_error
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
# One call at a time in a transaction: the one before has not ended yet, so this one was not begun. AWS says so in a
# DatabaseErrorException, others in a BadRequestException; what PostgreSQL itself reports has an SQLState.
_BUSY = re.compile(r"transaction is still running a query(?!.*SQLState: \w{5})", re.IGNORECASE | re.DOTALL)
# Two wordings of the 1 MiB that a response may have; a row of over 64 KB is another matter.
_TOO_LARGE = ("result exceeds the size limit", "more than the allowed response size limit")

_POSTGRESQL = re.compile(
    r"(?:\w+: )?(?P<message>.*?)(?:; Detail: (?P<detail>.*?))?(?:; Hint: (?P<hint>.*?))?"
    r"(?:; Position: (?P<position>\d+))?; SQLState: (?P<sqlstate>\w{5})",
    re.DOTALL,
)


def translate(error: ClientError | BotoCoreError) -> DataApiError:
    if isinstance(error, ClientError):
        return _from_response(error)
    name = type(error).__name__
    if is_refused_here(error):
        return DataApiError(nothing_listens(error), code=name)
    if isinstance(error, _NOT_SENT):
        return UnavailableError(describe_error(error), code=name)
    if isinstance(error, HTTPClientError):
        return OutcomeUnknownError(describe_error(error), code=name)
    return DataApiError(describe_error(error), code=name)


def is_refused_here(error: Exception) -> bool:
    """Whether a port of this machine's loopback address refused the connection: nothing resumes there."""
    if not isinstance(error, EndpointConnectionError):
        return False
    details = error.kwargs
    return is_loopback(str(details.get("endpoint_url", ""))) and "refused" in str(details.get("error", ""))


def nothing_listens(error: BotoCoreError) -> str:
    return (
        f"nothing listens at {error.kwargs['endpoint_url']}: start the local AWS (local-aws up), or open a new shell"
        " without AWS_ENDPOINT_URL_... for AWS itself"
    )


def _from_response(error: ClientError) -> DataApiError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if _BUSY.search(message):
        return UnavailableError(f"{code}: {message}", code=code)
    if code == "DatabaseErrorException":
        return _from_postgresql(message, code)
    if any(words in message for words in _TOO_LARGE):
        return ResultTooLargeError(f"{code}: {message}", code=code)
    fallback = OutcomeUnknownError if status >= 500 else DataApiError
    return _BY_CODE.get(code, fallback)(describe_error(error), code=code)


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
