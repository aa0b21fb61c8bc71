"""What is reported of a statement that failed: PostgreSQL's words and names, and none of the rows' values.

An error's detail is data (`Failing row contains (...)`), and so is what a message of the classes 22 and 23 quotes. Both
would reach the deploy's screen, the stack's events, logs and the ledger. They stay in the cluster's own log.
"""

from __future__ import annotations

import re

from stchat.errors import DataApiError, DatabaseError, ResultTooLargeError, StatementError

_BY_HAND = "if it was made by hand, see `stchat schema baseline`"
_HINTS = {
    "42P07": _BY_HAND,
    "42710": _BY_HAND,
    "42P06": _BY_HAND,
    "3D000": "make the database in a migration of sql/postgres/",
    "2D000": "a procedure that commits cannot be called in a migration: split its work into statements",
    "25006": "the session only reads: leave SET ... read only out",
}
_VALUES_IN_MESSAGE = ("22", "23")
_NAMES_IN_DETAIL = ("0A", "2B", "42")  # what depends on what, which function was not found
_NAME = r'"(?:[^"]|"")*"'
# Messages of those classes that quote names alone, up to where a value would begin.
_SAFE = re.compile(
    rf"""invalid[ ]input[ ](?:syntax|value)[ ]for[ ](?:type|enum)[ ][\w ]+
    | value[ ]too[ ]long[ ]for[ ]type[ ][\w ]+\(\d+\)
    | (?:integer|bigint|smallint)[ ]out[ ]of[ ]range | numeric[ ]field[ ]overflow | division[ ]by[ ]zero
    | expected[ ]\d+[ ]dimensions,[ ]not[ ]\d+ | different[ ]vector[ ]dimensions[ ]\d+[ ]and[ ]\d+
    | duplicate[ ]key[ ]value[ ]violates[ ]unique[ ]constraint[ ]{_NAME}
    | conflicting[ ]key[ ]value[ ]violates[ ]exclusion[ ]constraint[ ]{_NAME}
    | could[ ]not[ ]create[ ](?:unique[ ]index|exclusion[ ]constraint)[ ]{_NAME}
    | null[ ]value[ ]in[ ]column[ ]{_NAME}[ ]of[ ]relation[ ]{_NAME}[ ]violates[ ]not-null[ ]constraint
    | column[ ]{_NAME}[ ]of[ ](?:relation|table)[ ]{_NAME}[ ]contains[ ]null[ ]values
    | new[ ]row[ ]for[ ]relation[ ]{_NAME}[ ]violates[ ]check[ ]constraint[ ]{_NAME}
    | check[ ]constraint[ ]{_NAME}[ ]of[ ]relation[ ]{_NAME}[ ]is[ ]violated[ ]by[ ]some[ ]row
    | (?:insert[ ]or[ ]update|update[ ]or[ ]delete)[ ]on[ ]table[ ]{_NAME}[ ]violates[ ]foreign[ ]key[ ]
    constraint[ ]{_NAME}(?:[ ]on[ ]table[ ]{_NAME})?
    | value[ ]for[ ]domain[ ][\w.]+[ ]violates[ ]check[ ]constraint[ ]{_NAME}
    | no[ ]partition[ ]of[ ]relation[ ]{_NAME}[ ]found[ ]for[ ]row
    """,
    re.VERBOSE,
)
_CLASSES = {"22": "a value cannot be what it has to be", "23": "a row violates a constraint"}


def failure(location: str, error: DatabaseError) -> StatementError:
    """`location`: begins the text."""
    parts = [_message(error)]
    if error.sqlstate[:2] in _NAMES_IN_DETAIL:
        parts.append(error.detail)
    if error.sqlstate[:2] not in _VALUES_IN_MESSAGE:
        parts.append(error.hint)
    parts.append(_HINTS.get(error.sqlstate, ""))
    text = "; ".join(part for part in parts if part)
    return StatementError(f"{location}: {text} (SQLSTATE {error.sqlstate})", sqlstate=error.sqlstate)


def refused_result(location: str, error: DataApiError) -> StatementError | None:
    """Of a statement that ran, where the Data API cannot return what it gave, such as a function's void."""
    if error.code != "UnsupportedResultException" and not isinstance(error, ResultTooLargeError):
        return None
    return StatementError(f"{location}: {error}; a migration needs no result: use PERFORM in a DO block")


def _message(error: DatabaseError) -> str:
    message = str(error)
    if (kind := error.sqlstate[:2]) not in _VALUES_IN_MESSAGE:
        return message
    found = _SAFE.match(message)
    whole = found is not None and found.end() == len(message)
    if whole and kind == "22":
        return message
    return f"{found[0].strip() if found else _CLASSES[kind]}; the values are in the cluster's log alone"
