"""What an error is to a caller over HTTP: a status that says whether to try again, and words without internals."""

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

ASLEEP = "DatabaseResumingException"
THROTTLED = (
    "ThrottlingException",
    "TooManyRequestsException",
    "ServiceQuotaExceededException",
    "ModelNotReadyException",
)
# SQLSTATE classes of what passes: connections, serialization and deadlocks, resources, the operator's interventions.
PASSING = ("08", "40", "53", "57")
ASLEEP_SECONDS, SOON_SECONDS = 5, 1

TOO_LARGE = "the answer is larger than the 6 MB that a function may give: ask for less, with limit, k or a theme"
FAILED = "this failed, and would fail again: the function's log says how"


@dataclass(frozen=True)
class Problem:
    """`retry_after`: seconds until the same request may succeed; None: it will not. Every operation may be repeated."""

    status: int
    error: str
    retry_after: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> dict[str, Any]:
        again = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return {"error": self.error} | again | self.more


class RefusedError(StchatError):
    """What has its status already."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.error)
        self.problem = problem


def problem(error: StchatError) -> Problem:
    match error:
        case RefusedError():
            return error.problem
        case PartialError():
            cause = problem(error.cause)
            done = error.remembered
            stored = {"stored": error.stored, "written": done.written, "known": done.known, "cut": done.cut}
            told = (
                f"{error.stored} of {error.items} items are stored, then: {cause.error}; send all again, none doubles"
            )
            return Problem(cause.status, told, cause.retry_after, stored)
        case InputError():
            return Problem(400, str(error), more={"field": error.field})
        case ConflictError():
            return Problem(409, str(error))
        case ResultTooLargeError():
            return Problem(413, TOO_LARGE)
        case EmbeddingUnavailableError() | TransientError():
            return _passing(error.code, "embedding model" if isinstance(error, EmbeddingError) else "database")
        case DatabaseError() if error.sqlstate[:2] in PASSING:
            return _passing(error.code, "database")
    return Problem(500, FAILED)


def logged(error: StchatError) -> str:
    """For the log: the kind of error, and AWS's and PostgreSQL's codes. Not its text, which may quote a person's."""
    if isinstance(error, SettingsError):
        return f"SettingsError: {error}"  # names a variable, for whoever deploys
    cause = error.cause if isinstance(error, PartialError) else error
    code = cause.code if isinstance(cause, (DataApiError, EmbeddingError)) else ""
    sqlstate = cause.sqlstate if isinstance(cause, DatabaseError) else ""
    return " ".join(filter(None, [type(error).__name__, code, sqlstate]))


def _passing(code: str, what: str) -> Problem:
    if code == ASLEEP:
        return Problem(503, "the database was asleep and is waking up: try again", ASLEEP_SECONDS)
    if code in THROTTLED:
        return Problem(429, f"the {what} has too much to do: try again", SOON_SECONDS)
    return Problem(503, f"the {what} did not answer in time: try again, nothing is done twice", SOON_SECONDS)
