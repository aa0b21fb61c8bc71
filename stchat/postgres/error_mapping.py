"""psycopg's errors to this project's. An error's detail is data: that of classes 22 and 23 goes nowhere, and no error
here has psycopg's as its cause, whose text repeats it."""

from __future__ import annotations

import re

import psycopg

from stchat.errors import DataApiError, DatabaseError, OutcomeUnknownError, StatementTimeoutError, UnavailableError

WRONG_PASSWORD, REFUSED_LOGIN, READ_ONLY = "28P01", "28000", "25006"
# What libpq shows of a refused connection is the server's text without its SQLSTATE.
_REFUSED = (
    (re.compile(r"password authentication failed"), WRONG_PASSWORD),
    (re.compile(r"PAM authentication failed|no pg_hba.conf entry|is not permitted to log in"), REFUSED_LOGIN),
    (re.compile(r'role "[^"]*" does not exist'), REFUSED_LOGIN),
    (re.compile(r'database "[^"]*" does not exist'), "3D000"),
    (re.compile(r"permission denied for database"), "42501"),
)
# Of the machine's own set-up or an attacker between: no retry helps.
_TLS = re.compile(
    r"certificate verify failed|server certificate for|root certificate file|does not support SSL|could not read root"
)
_TLS_HINT = (
    "the server must have a certificate for this host by an authority of ca_bundle: take AWS's global-bundle.pem, and"
    " connect to the cluster's own endpoint name"
)
_NOTHING_RAN = ("53300", "57P03")  # too many connections; cannot connect now
_ENDED = ("57P01", "57P02", "57P05", "25P03")  # the session was ended, and with it perhaps the statement
_DETAIL_IS_DATA = ("22", "23")


def of_connection(error: psycopg.Error) -> DataApiError:
    """Of an attempt to connect: nothing has run."""
    text = _line(error)
    code = type(error).__name__
    for pattern, sqlstate in _REFUSED:
        if pattern.search(text):
            return DatabaseError(text, code=code, sqlstate=sqlstate)
    if _TLS.search(text):
        return DataApiError(f"{text}: {_TLS_HINT}", code="CertificateError")
    if isinstance(error, psycopg.OperationalError):
        return UnavailableError(text, code=code)
    return DataApiError(text, code=code)


def of_statement(error: psycopg.Error, *, is_lost: bool) -> DataApiError:
    """`is_lost`: the connection has ended, so that what was sent may have run."""
    code = type(error).__name__
    sqlstate = error.sqlstate or ""
    if sqlstate in _NOTHING_RAN:
        return UnavailableError(_primary(error), code=code)
    if is_lost or sqlstate in _ENDED or sqlstate[:2] == "08":
        return OutcomeUnknownError(_primary(error), code=code)
    if sqlstate == "57014" and "statement timeout" in _primary(error):
        return StatementTimeoutError(f"{_primary(error)}: it was rolled back", code=code)
    if not sqlstate:  # psycopg's own, before anything was sent, or of a value that it cannot read
        return DatabaseError(_line(error), code=code, sqlstate="22021" if "NUL (0x00)" in str(error) else "")
    position = error.diag.statement_position
    return DatabaseError(
        _primary(error),
        code=code,
        sqlstate=sqlstate,
        detail="" if sqlstate[:2] in _DETAIL_IS_DATA else error.diag.message_detail or "",
        hint=error.diag.message_hint or "",
        position=int(position) if position else None,
    )


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or _line(error)


def _line(error: psycopg.Error) -> str:
    """The first line is the server's or libpq's; what follows may be advice, or data."""
    lines = str(error).strip().splitlines()
    return " ".join((lines[0] if lines else type(error).__name__).split())
