"""An error as HTTP: a status that tells the caller whether to retry, and a message without internals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stchat.errors import (
    ConflictError,
    DataApiError,
    DatabaseError,
    EmbeddingError,
    EmbeddingUnavailableError,
    InputError,
    PartialError,
    ResultTooLargeError,
    SettingsError,
    StchatError,
    TransientError,
)

RESUMING = "DatabaseResumingException"
THROTTLED = (
    "ThrottlingException",
    "TooManyRequestsException",
    "ServiceQuotaExceededException",
    "ModelNotReadyException",
)
# SQLSTATE classes of transient errors: connections, serialization and deadlocks, resources, operator intervention.
TRANSIENT = ("08", "40", "53", "57")
RESUMING_SECONDS, SOON_SECONDS = 5, 1

TOO_LARGE = (
    "the response is larger than the 6 MB that a Lambda function may return: request less, with limit, k or a theme"
)
FAILED = "the operation failed, and a retry would fail too: see the function's log"


@dataclass(frozen=True)
class Problem:
    """`retry_after`: seconds until the same request may succeed; None: it will not. Every operation is idempotent."""

    status: int
    error: str
    retry_after: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        again = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return {"error": self.error} | again | self.more


class RefusedError(StchatError):
    """A request that is refused with this status before any operation."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.error)
        self.problem = problem


def problem(error: StchatError) -> Problem:
    match error:
        case RefusedError():
            return error.problem
        case PartialError():
            cause = problem(error.cause)
            counts = {"written": error.created, "known": error.existing, "cut": error.truncated}
            message = (
                f"{error.stored} of {error.items} items are stored, then: {cause.error}; send all again, nothing is"
                " stored twice"
            )
            return Problem(cause.status, message, cause.retry_after, {"stored": error.stored} | counts)
        case InputError():
            return Problem(400, str(error), more={"field": error.field})
        case ConflictError():
            return Problem(409, str(error))
        case ResultTooLargeError():
            return Problem(413, TOO_LARGE)
        case EmbeddingUnavailableError() | TransientError():
            return _retry_later(error.code, "embedding model" if isinstance(error, EmbeddingError) else "database")
        case DatabaseError() if error.sqlstate[:2] in TRANSIENT:
            return _retry_later(error.code, "database")
    return Problem(500, FAILED)


def logged(error: StchatError) -> str:
    """For the log: the class of the error, and AWS's and PostgreSQL's codes. Not its text, which may quote a user's."""
    if isinstance(error, SettingsError):
        return f"SettingsError: {error}"  # names a variable, for the operator
    cause = error.cause if isinstance(error, PartialError) else error
    code = cause.code if isinstance(cause, (DataApiError, EmbeddingError)) else ""
    sqlstate = cause.sqlstate if isinstance(cause, DatabaseError) else ""
    return " ".join(filter(None, [type(error).__name__, code, sqlstate]))


def _retry_later(code: str, what: str) -> Problem:
    if code == RESUMING:
        return Problem(503, "the database was paused and is resuming: retry", RESUMING_SECONDS)
    if code in THROTTLED:
        return Problem(429, f"the {what} is throttled: retry", SOON_SECONDS)
    return Problem(503, f"the {what} did not respond in time: retry, nothing is done twice", SOON_SECONDS)
