"""The Data API's transactions: a session each, one call at a time, none kept for ever."""

from __future__ import annotations

import base64
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from local_aws.data_api.errors import ApiError, database_error
from local_aws.data_api.session import Login, Session

REMEMBERED = 1000
ID_BYTES = 138
# Why a transaction is not found, as AWS's guide has it ("Troubleshooting Amazon RDS Data API").
EXPIRED = "Transaction may be expired."
ENDED = "One previous call resulted in a termination of your transaction."
ABORTED = "Transaction has been aborted due to an error from a previous call."


@dataclass(frozen=True)
class Limits:
    idle_seconds: float = 180.0
    total_seconds: float = 24 * 3600.0


@dataclass
class Transaction:
    id: str
    session: Session
    login: Login
    began: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    busy: bool = False


class Transactions:
    """Those of one cluster."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[str, Transaction] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, session: Session, login: Login) -> str:
        id_ = base64.b64encode(secrets.token_bytes(ID_BYTES)).decode()
        self._open[id_] = Transaction(id_, session, login)
        return id_

    def acquire(self, id_: str, user: str) -> Transaction:
        """The user's transaction, the caller's until it is released.

        Raises:
            ApiError: TransactionNotFoundException with the reason, or DatabaseErrorException while it runs a query.
        """
        transaction = self._open.get(id_)
        if transaction is None or transaction.login.user != user:
            reason = self._ended.get(id_, EXPIRED)
            raise ApiError("TransactionNotFoundException", f"Transaction {id_} is not found: {reason}")
        if transaction.busy:
            raise database_error("Transaction is still running a query")
        transaction.busy = True
        return transaction

    def release(self, transaction: Transaction) -> None:
        """Done with one call. A transaction that lost its connection has ended."""
        transaction.busy = False
        transaction.used = time.monotonic()
        if transaction.session.is_broken:
            self.end(transaction, ABORTED)

    def end(self, transaction: Transaction, reason: str) -> None:
        """Forget it, and close its session; what was not committed is rolled back by that."""
        if self._open.pop(transaction.id, None) is None:
            return
        self._ended[transaction.id] = reason
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        transaction.session.close()

    def expire(self) -> None:
        """End those that were not used for too long, or are too old; a running call is let finish."""
        now = time.monotonic()
        for transaction in [transaction for transaction in self._open.values() if not transaction.busy]:
            is_idle = now - transaction.used > self._limits.idle_seconds
            if is_idle or now - transaction.began > self._limits.total_seconds:
                self.end(transaction, EXPIRED)

    def end_all(self) -> None:
        """The DB instance stops: every session is gone."""
        for transaction in list(self._open.values()):
            self.end(transaction, ABORTED)
