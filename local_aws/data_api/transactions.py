"""The Data API's transactions: a session each, one call at a time, none kept for ever."""

from __future__ import annotations

import base64
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from local_aws.data_api.errors import ApiError, bad_request
from local_aws.data_api.session import Login, Session

REMEMBERED = 1000
ID_BYTES = 138


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

    def claim(self, id_: str, user: str) -> Transaction:
        """The user's transaction, ours until it is released.

        Raises:
            ApiError: TransactionNotFoundException with the reason, or a bad request where it still runs a query.
        """
        transaction = self._open.get(id_)
        if transaction is None or transaction.login.user != user:
            raise ApiError("TransactionNotFoundException", f"Transaction {id_} is not found{self._ended.get(id_, '')}")
        if transaction.busy:
            raise bad_request("Transaction is still running a query")
        transaction.busy = True
        return transaction

    def release(self, transaction: Transaction) -> None:
        """Done with one call. What lost its connection is over."""
        transaction.busy = False
        transaction.used = time.monotonic()
        if transaction.session.is_broken:
            self.end(transaction, ": its connection was lost")

    def end(self, transaction: Transaction, reason: str = "") -> None:
        """Forget it, and close its session; what was not committed is rolled back by that."""
        if self._open.pop(transaction.id, None) is None:
            return
        self._ended[transaction.id] = reason
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        transaction.session.close()

    def expire(self) -> None:
        """End those that nobody has used for too long, or that are too old; a running call is let finish."""
        now = time.monotonic()
        idle, total = self._limits.idle_seconds, self._limits.total_seconds
        for transaction in [transaction for transaction in self._open.values() if not transaction.busy]:
            if now - transaction.used > idle:
                self.end(transaction, f": it expired after {idle:g} seconds without a call")
            elif now - transaction.began > total:
                self.end(transaction, f": it expired after {total:g} seconds")

    def end_all(self, reason: str) -> None:
        for transaction in list(self._open.values()):
            self.end(transaction, reason)
