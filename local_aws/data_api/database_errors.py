"""PostgreSQL's errors, in the one line that the Data API makes of them."""

from __future__ import annotations

import re

import psycopg
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from local_aws.data_api.errors import ApiError, unavailable

# What follows the message, in this order. PostgreSQL's DETAIL does not: it quotes the refused row.
PARTS = {"Hint": DiagnosticField.MESSAGE_HINT, "Position": DiagnosticField.STATEMENT_POSITION}
# The server is being stopped, or was killed, under the statement.
LOST = frozenset({"57P01", "57P02", "57P03"})
# libpq keeps no SQLSTATE of a refused connection: it follows from the server's message.
REFUSALS = {
    "password authentication failed": "28P01",
    "database .* does not exist": "3D000",
    "role .* does not exist": "28000",
    "is not permitted to log in": "28000",
    "permission denied for database": "42501",
    "is not currently accepting connections": "55000",
    "too many connections": "53300",
    "remaining connection slots are reserved": "53300",
    "sorry, too many clients already": "53300",
}


# Aurora has extensions that the embedded PostgreSQL has not: its own hint would name a path of this machine.
FEATURE_NOT_SUPPORTED = "0A000"
MISSING_EXTENSION = re.compile(r'extension "(?P<name>[^"]+)" is not available')


def database_error(result: PGresult) -> ApiError:
    """`ERROR: message; Hint: ...; Position: n; SQLState: code`."""

    def part(field: DiagnosticField) -> str:
        return (result.error_field(field) or b"").decode("utf-8", "replace")

    state, message = part(DiagnosticField.SQLSTATE), part(DiagnosticField.MESSAGE_PRIMARY)
    if state in LOST:
        return unavailable()
    if state == FEATURE_NOT_SUPPORTED and (missing := MISSING_EXTENSION.search(message)):
        return _missing_extension(missing["name"])
    parts = {label: part(field) for label, field in PARTS.items()}
    return _error(message, *(f"{label}: {text}" for label, text in parts.items() if text), f"SQLState: {state}")


def connect_error(error: psycopg.OperationalError) -> ApiError:
    """The server's refusal, as of a wrong password; or DatabaseUnavailableException, where there is no server."""
    refusal = re.search(r"FATAL: +(?P<message>.*)", str(error))
    if refusal is None:
        return unavailable()
    for words, state in REFUSALS.items():
        if re.search(words, refusal["message"]):
            return _error(refusal["message"], f"SQLState: {state}")
    return unavailable()


def _missing_extension(name: str) -> ApiError:
    return _error(
        f'extension "{name}" is not available in the PostgreSQL of the local Data API',
        "Hint: Aurora PostgreSQL has more extensions; start the local Data API over a server that has this one: "
        "local-aws data-api --dsn postgresql://... (docs/data-api.md, Extensions)",
        f"SQLState: {FEATURE_NOT_SUPPORTED}",
    )


def _error(message: str, *parts: str) -> ApiError:
    """Aurora shows the severity ERROR, for a refused connection too: github.com/aws/aws-cli/issues/8577."""
    return ApiError("DatabaseErrorException", "; ".join((f"ERROR: {message}", *parts)))
