"""The application's own SQL, as one user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from stchat.data_api import Transaction
from stchat.errors import DatabaseError
from tests.support.migrated_database import MigratedDatabase


@contextmanager
def as_user(migrated: MigratedDatabase, userid: str) -> Iterator[Transaction]:
    """The application's own SQL for one user: rolled back."""
    with pytest.raises(ZeroDivisionError), migrated.app.transaction() as transaction:
        transaction.execute("SELECT set_config('stchat.userid', :userid, true)", {"userid": userid})
        yield transaction
        raise ZeroDivisionError


def refused_within(transaction: Transaction, sql: str, **values: Any) -> str:
    """The SQLSTATE; the transaction goes on."""
    transaction.execute("SAVEPOINT here")
    with pytest.raises(DatabaseError) as raised:
        transaction.execute(sql, values)
    transaction.execute("ROLLBACK TO SAVEPOINT here")
    return raised.value.sqlstate
