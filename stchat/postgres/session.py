"""One statement on a connection; a session that has been changed is made as new."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from stchat.data_api import Result
from stchat.errors import DatabaseError
from stchat.postgres.error_mapping import of_statement
from stchat.postgres.server import Connection

# What leaves nothing behind. After anything else the session is made as new, as the Data API's keep nothing of a call.
_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "FETCH", "BEGIN", "COMMIT", "ROLLBACK", "DECLARE CURSOR")
_LEAVES_SOMETHING = re.compile(r"set_config|advisory_lock", re.IGNORECASE)


def run(connection: Connection, sql: str, values: list[Any] | None = None) -> Result:
    """`sql` with `$1`, `$2`, ... for the values."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            rows = cursor.fetchall() if cursor.description else []
            result = Result(rows, 0 if cursor.description else max(0, cursor.rowcount))
            if not str(cursor.statusmessage).startswith(_ROWS) or _LEAVES_SOMETHING.search(sql):
                connection.is_changed = True
        _renew(connection)
        return result
    except psycopg.Error as error:
        translated = of_statement(error, is_lost=connection.closed)
    except UnicodeEncodeError:
        translated = DatabaseError("text must be what UTF-8 can hold, got half of a surrogate pair", sqlstate="22021")
    # Outside of the handler: psycopg's error, which repeats data, is not to be the context of this one.
    raise translated


def _renew(connection: Connection) -> None:
    """Not within a transaction, but at its end. A session that cannot be renewed is closed."""
    if not connection.is_changed or connection.info.transaction_status is not TransactionStatus.IDLE:
        return
    try:
        connection.execute("DISCARD ALL")
        connection.is_changed = False
    except psycopg.Error:
        connection.close()
