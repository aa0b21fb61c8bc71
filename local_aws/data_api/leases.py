"""The session that a call holds, and what becomes of it afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from local_aws.data_api.cluster import Cluster
from local_aws.data_api.errors import bad_request
from local_aws.data_api.requests import BeginTransactionRequest, StatementRequest
from local_aws.data_api.session import Login, Session
from local_aws.data_api.transactions import ABORTED, Transaction


@dataclass
class Lease:
    """A session for one call: a transaction's own, or one of the pool's."""

    cluster: Cluster
    login: Login
    session: Session
    transaction: Transaction | None
    keep: bool

    def abort_transaction(self) -> None:
        if self.transaction is not None:
            self.cluster.transactions.end(self.transaction, ABORTED)

    def release(self) -> None:
        """Give the session back."""
        if self.transaction is not None:
            self.cluster.transactions.release(self.transaction)
        elif self.keep:
            self.cluster.pool.give(self.login, self.session)
        else:
            self.session.close()

    def release_after(self, work: asyncio.Future[Any]) -> None:
        """Give the session back when its work has ended, with whatever result, after its caller was answered."""
        work.cancelled() or work.exception()
        self.release()


class Limit:
    """Cancels what a session runs, after some seconds."""

    def __init__(self, seconds: float, session: Session) -> None:
        self._session = session
        self._timer = asyncio.get_running_loop().call_later(seconds, self._exceed)
        self._cancelling: asyncio.Task[None] | None = None

    @property
    def is_exceeded(self) -> bool:
        return self._cancelling is not None

    def end(self) -> None:
        self._timer.cancel()

    def _exceed(self) -> None:
        self._cancelling = asyncio.create_task(self._session.cancel())


async def lease(cluster: Cluster, login: Login, request: BeginTransactionRequest, *, keep: bool) -> Lease:
    """A session of the request's transaction, or of the pool if it names none.

    Raises:
        ApiError: the transaction is not found, is busy, or is one in another database; or no session can be opened.
    """
    id_ = request.transaction_id if isinstance(request, StatementRequest) else None
    if not id_:
        return Lease(cluster, login, await cluster.pool.take(login), None, keep)
    transaction = cluster.transactions.acquire(id_, login.user)
    if request.database not in (None, "", transaction.login.database):
        cluster.transactions.release(transaction)
        raise bad_request("Database name is not the same as transaction database name")
    return Lease(cluster, transaction.login, transaction.session, transaction, keep)
