"""PostgreSQL's errors, in the one line that the Data API makes of them."""

from __future__ import annotations

import re

import psycopg
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from local_aws.data_api.errors import ApiError, unavailable

# What follows the message where the server says it, in this order.
DETAILS = {
    "Detail": DiagnosticField.MESSAGE_DETAIL,
    "Hint": DiagnosticField.MESSAGE_HINT,
    "Position": DiagnosticField.STATEMENT_POSITION,
}
# The server is being stopped, or was killed, under the statement.
LOST = frozenset({"57P01", "57P02", "57P03"})
# libpq keeps no SQLSTATE of a refused connection: the server's words tell it.
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


def database_error(result: PGresult) -> ApiError:
    """`ERROR: message; Detail: ...; Hint: ...; Position: n; SQLState: code`."""

    def said(field: DiagnosticField) -> str:
        return (result.error_field(field) or b"").decode("utf-8", "replace")

    state = said(DiagnosticField.SQLSTATE)
    if state in LOST:
        return unavailable()
    details = {label: said(field) for label, field in DETAILS.items()}
    return _error(
        f"{said(DiagnosticField.SEVERITY)}: {said(DiagnosticField.MESSAGE_PRIMARY)}",
        *(f"{label}: {text}" for label, text in details.items() if text),
        f"SQLState: {state}",
    )


def connect_error(error: psycopg.OperationalError) -> ApiError:
    """The server's refusal, as of a wrong password; or DatabaseUnavailableException, where there is no server."""
    refusal = re.search(r"FATAL: +(?P<message>.*)(?:\n *DETAIL: +(?P<detail>.*))?", str(error))
    if refusal is None:
        return unavailable()
    for words, state in REFUSALS.items():
        if re.search(words, refusal["message"]):
            detail = [f"Detail: {refusal['detail']}"] if refusal["detail"] else []
            return _error(f"FATAL: {refusal['message']}", *detail, f"SQLState: {state}")
    return unavailable()


def _error(*pieces: str) -> ApiError:
    return ApiError("DatabaseErrorException", "; ".join(pieces))
