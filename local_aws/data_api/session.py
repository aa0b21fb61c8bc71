"""One connection to PostgreSQL, used as the Data API does: binary results, one statement, nothing kept."""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from local_aws.data_api.database_errors import connect_error, database_error
from local_aws.data_api.errors import ApiError, unavailable
from local_aws.data_api.parameters import Bound, text

CHUNK_ROWS = 500
SETTINGS = "-c timezone=UTC -c client_encoding=UTF8 -c datestyle=ISO -c intervalstyle=postgres"
# PostgreSQL's answer to COPY is not one that the Data API expects: its words.
COPY = {ExecStatus.COPY_IN: "CopyInResponse", ExecStatus.COPY_OUT: "CopyOutResponse"}
ROWS = (ExecStatus.TUPLES_OK, ExecStatus.TUPLES_CHUNK)
Row = list[bytes | None]
T = TypeVar("T")


@dataclass(frozen=True)
class Login:
    """The user and database of a session. Two logins are the same only if their passwords are."""

    user: str
    password: str = field(repr=False)
    database: str


@dataclass(frozen=True)
class Column:
    name: str
    type_oid: int
    modifier: int
    table_oid: int
    table_column: int


@dataclass
class Outcome:
    """What a statement did. Without a result set `columns` is None; beyond `limit` bytes no rows are kept."""

    limit: int
    columns: list[Column] | None = None
    rows: list[Row] = field(default_factory=list)
    size: int = 0
    count: int = 0
    tag: str = ""
    has_rows: bool = False

    @property
    def is_too_large(self) -> bool:
        return self.size > self.limit

    def add(self, result: PGresult) -> None:
        self.tag = (result.command_status or b"").decode()
        if result.status not in ROWS:
            self.count = result.command_tuples or 0
            return
        width = range(result.nfields)
        if self.columns is None:
            self.columns = [
                Column(
                    (result.fname(i) or b"").decode(),
                    result.ftype(i),
                    result.fmod(i),
                    result.ftable(i),
                    result.ftablecol(i),
                )
                for i in width
            ]
        self.has_rows = self.has_rows or result.ntuples > 0
        for number in range(result.ntuples):
            row = [result.get_value(number, i) for i in width]
            self.size += sum(map(len, filter(None, row)))
            if self.is_too_large:
                self.rows.clear()
            else:
                self.rows.append(row)


class Session:
    """Every error of PostgreSQL becomes the ApiError that AWS makes of it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, host: str, port: int, login: Login, application_name: str) -> Session:
        try:
            connection = await AsyncConnection.connect(
                host=host,
                port=port,
                user=login.user,
                password=login.password,
                dbname=login.database,
                autocommit=True,
                connect_timeout=10,
                gssencmode="disable",
                options=SETTINGS,
                application_name=application_name,
            )
        except psycopg.OperationalError as error:
            raise connect_error(error) from None
        return cls(connection)

    @property
    def backend(self) -> int:
        """The server process's id."""
        return self._connection.pgconn.backend_pid

    async def execute(
        self, sql: str, bound: Bound | None = None, limit: int = 2**20, result_format: Format = Format.BINARY
    ) -> Outcome:
        """Run one statement to its end; its rows are read to the end even where they are too many to keep."""
        bound = bound or Bound()
        outcome = Outcome(limit)
        command = text(sql)

        def exchange(pgconn: PGconn) -> PQGen[None]:
            pgconn.send_query_params(command, bound.values, bound.types, bound.formats, result_format)
            pgconn.set_chunked_rows_mode(CHUNK_ROWS)
            yield from generators.send(pgconn)
            failed: ApiError | None = None
            while result := (yield from generators.fetch(pgconn)):
                if result.status in COPY:
                    pgconn.finish()
                    message = f"execute: unexpected message: {COPY[ExecStatus(result.status)]}"
                    raise ApiError("DatabaseErrorException", message)
                if result.status == ExecStatus.FATAL_ERROR:
                    failed = database_error(result)
                else:
                    outcome.add(result)
            if failed is not None:
                raise failed

        await self._converse(exchange)
        return outcome

    def begin_reset(self) -> None:
        """Forget everything that the last caller left. The server does so at once; its answer is read later."""
        try:
            self._connection.pgconn.send_query(b"DISCARD ALL")
            self._connection.pgconn.flush()
        except psycopg.OperationalError:
            self.close()

    async def is_reset(self) -> bool:
        """Read the answer to `begin_reset`; False: the connection is of no more use."""
        done: list[bool] = []

        def read(pgconn: PGconn) -> PQGen[None]:
            pgconn.consume_input()
            while result := (yield from generators.fetch(pgconn)):
                done.append(result.status == ExecStatus.COMMAND_OK)

        try:
            await self._converse(read)
        except ApiError:
            return False
        return done == [True] and self.is_usable

    async def cancel(self) -> None:
        with contextlib.suppress(psycopg.Error):
            await self._connection.cancel_safe(timeout=5)

    def close(self) -> None:
        """Hang up; the server ends the session, and rolls back what it had begun."""
        self._connection.pgconn.finish()

    @property
    def is_usable(self) -> bool:
        """Outside any transaction, and the server has not hung up (it says nothing to an idle connection)."""
        pgconn = self._connection.pgconn
        if self.is_broken or pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        return not select.select([pgconn.socket], [], [], 0)[0]

    @property
    def is_broken(self) -> bool:
        return self._connection.pgconn.transaction_status == TransactionStatus.UNKNOWN

    async def _converse(self, exchange: Callable[[PGconn], PQGen[T]]) -> T:
        try:
            async with self._connection.lock:
                return await self._connection.wait(exchange(self._connection.pgconn))
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self.close()
            raise unavailable() from None
        except asyncio.CancelledError:
            self.close()
            raise
