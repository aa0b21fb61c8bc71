"""The client of a direct connection: statements, transactions and retries as DataApi's. SQL and parameters are never
logged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from stchat.data_api import Backoff, Result, retry_call
from stchat.environment import POOL
from stchat.errors import (
    DataApiError,
    DatabaseError,
    OutcomeUnknownError,
    StchatError,
    TransactionAbortedError,
    TransactionLostError,
    UnavailableError,
)
from stchat.postgres.error_mapping import READ_ONLY
from stchat.postgres.placeholders import numbered
from stchat.postgres.pool import Pool
from stchat.postgres.server import Connection, Server
from stchat.postgres.session import run
from stchat.postgres.settings import PostgresSettings
from stchat.postgres.values import bind

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Postgres:
    """One database of a server. `timeout`: how many seconds a call may wait for a cluster that is paused, a connection
    of the pool, or a failover. All that `with_timeout` and `with_database` return share the pools, one per database."""

    server: Server
    database: str
    timeout: float = 180.0
    pool_size: int = 10
    idle_seconds: float = 60.0
    _pools: dict[str, Pool] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def from_settings(cls, settings: PostgresSettings, *, timeout: float = 180.0) -> Postgres:
        return cls._of(settings, settings.host, timeout)

    @classmethod
    def reader_from_settings(cls, settings: PostgresSettings, *, timeout: float = 180.0) -> Postgres | None:
        """Of the reader endpoint, for ChatMemory's `reader`; None where the settings have none."""
        return cls._of(settings, settings.reader_host, timeout) if settings.reader_host else None

    @classmethod
    def _of(cls, settings: PostgresSettings, host: str, timeout: float) -> Postgres:
        ca_bundle = Path(settings.ca_bundle) if settings.ca_bundle else None
        application = f"{POOL} {settings.idle_seconds:g} s"
        server = Server(host, settings.login(), settings.port, ca_bundle, application)
        return cls(server, settings.database, timeout, settings.pool_size, settings.idle_seconds)

    def with_database(self, database: str) -> Postgres:
        return replace(self, database=database)

    def with_timeout(self, seconds: float) -> Postgres:
        """The same, with that much timeout."""
        return replace(self, timeout=seconds)

    @property
    def pool(self) -> Pool:
        with self._lock:
            if self.database not in self._pools:
                server, database = self.server, self.database
                self._pools[database] = Pool(
                    lambda seconds: server.connect(database, seconds),
                    size=self.pool_size,
                    idle_seconds=self.idle_seconds,
                )
            return self._pools[self.database]

    def close(self) -> None:
        """Every connection that is not in use, of every database."""
        for pool in list(self._pools.values()):
            pool.discard_idle()

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, *, idempotent: bool = False) -> Result:
        """One statement in a transaction of its own."""
        text, names = numbered(sql)
        values = bind(names, parameters or {})

        def attempt(seconds: float) -> Result:
            with self.pool.connection(seconds) as connection:
                return run(connection, text, values)

        return self._retry(attempt, idempotent=idempotent)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Committed at the end of the block, rolled back when the block raises.

        Raises:
            TransactionAbortedError: the last statement of the block failed and its error was caught.
            TransactionLostError: the connection ended before the commit was sent: nothing of it remains.
            OutcomeUnknownError: it ended during the commit.
        """
        with ExitStack() as stack:
            transaction = Transaction(self, self._retry(lambda seconds: self._begin(stack, seconds), idempotent=True))
            try:
                yield transaction
                if transaction.failure is not None:
                    raise TransactionAbortedError(transaction.failure) from transaction.failure
                run(transaction.connection, "COMMIT")
            except BaseException as error:
                transaction.roll_back()
                if isinstance(error, DatabaseError) and error.sqlstate == READ_ONLY:
                    self._leave_old_writer(transaction.connection)
                raise

    def _begin(self, stack: ExitStack, seconds: float) -> Connection:
        with ExitStack() as attempt:
            connection = attempt.enter_context(self.pool.connection(seconds))
            run(connection, "BEGIN")
            stack.push(attempt.pop_all())
        return connection

    def _leave_old_writer(self, connection: Connection | None = None) -> None:
        """After a failover the connections of the pool lead to what is a reader now."""
        if connection is not None:
            connection.close()
        self.pool.discard_idle()

    def _retry(self, attempt: Callable[[float], T], *, idempotent: bool) -> T:
        backoff = Backoff(self.timeout)

        def once() -> T:
            try:
                return attempt(backoff.left)
            except DatabaseError as error:
                if error.sqlstate != READ_ONLY:
                    raise
                self._leave_old_writer()
                raise UnavailableError(f"{error}: the server is not the writer", code=error.code) from None

        return retry_call(once, backoff, idempotent=idempotent)


@dataclass
class Transaction:
    """A transaction that is open. It ends by itself after 3 minutes without a call."""

    api: Postgres
    connection: Connection
    failure: DataApiError | None = field(default=None, init=False)
    """That of the last statement. PostgreSQL then runs nothing more but a rollback, the whole one or to a savepoint."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        text, names = numbered(sql)
        values = bind(names, parameters or {})
        if self.connection.closed:
            raise TransactionLostError("the connection of the transaction has ended: nothing of it remains")
        try:
            result = run(self.connection, text, values)
        except OutcomeUnknownError as error:
            self.failure = TransactionLostError(f"{error}: nothing of the transaction remains", code=error.code)
        except DataApiError as failure:
            self.failure = failure
        else:
            self.failure = None
            return result
        raise self.failure

    def roll_back(self) -> None:
        """Never raises: what cannot be rolled back now ends with its connection."""
        if self.connection.closed:
            return
        try:
            run(self.connection, "ROLLBACK")
        except StchatError as error:
            log.warning("could not roll back, the connection is closed: %s", error)
            self.connection.close()
