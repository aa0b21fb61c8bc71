"""The five operations. What AWS checks first is checked first."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from local_aws.data_api import metadata, results
from local_aws.data_api.account import Account
from local_aws.data_api.cluster import Cluster
from local_aws.data_api.errors import ApiError, validation
from local_aws.data_api.leases import Lease, Limit, lease
from local_aws.data_api.parameters import Bound, bind
from local_aws.data_api.requests import (
    BatchExecuteStatementRequest,
    BeginTransactionRequest,
    EndTransactionRequest,
    ExecuteStatementRequest,
    StatementRequest,
)
from local_aws.data_api.session import Login, Outcome
from local_aws.data_api.tokens import is_one_statement, numbered
from local_aws.data_api.transactions import ENDED

Response = dict[str, Any]
T = TypeVar("T")
# Idle connections of ours must not stand in the way of these, nor keep what these change.
ALTERS_THE_CLUSTER = re.compile(r"\s*(?:create|alter|drop)\s+(?:database|role|user|group)\b", re.IGNORECASE)
WRONG_PASSWORD = "SQLState: 28P01"


class Operations:
    """`statement_seconds` is how long a statement may take."""

    def __init__(self, account: Account, statement_seconds: float) -> None:
        self._account = account
        self._statement_seconds = statement_seconds
        self.handlers: dict[str, Callable[[Any], Awaitable[Response]]] = {
            "ExecuteStatement": self.execute_statement,
            "BatchExecuteStatement": self.batch_execute_statement,
            "BeginTransaction": self.begin_transaction,
            "CommitTransaction": self.commit_transaction,
            "RollbackTransaction": self.rollback_transaction,
        }

    async def execute_statement(self, request: ExecuteStatementRequest) -> Response:
        async def run(held: Lease, sql: str, names: Sequence[str]) -> Response:
            session = held.session
            bound = bind(names, request.parameters)
            outcome = await session.execute(sql, bound, results.limit(request))
            if outcome.columns is None:
                return results.response(outcome, (), request)
            types = await metadata.types(session, outcome.columns)
            try:
                response = results.response(outcome, types, request)
            except ApiError:
                if outcome.is_too_large:
                    held.abort_transaction()
                raise
            if request.include_result_metadata and "records" in response:
                response["columnMetadata"] = await metadata.metadata(session, outcome.columns, types)
            return response

        return await self._run_statement(request, run, detach=request.continue_after_timeout)

    async def batch_execute_statement(self, request: BatchExecuteStatementRequest) -> Response:
        async def run(held: Lease, sql: str, names: Sequence[str]) -> Response:
            session = held.session
            sets = [bind(names, parameters) for parameters in request.parameter_sets]
            if not sets:
                await session.execute(sql)
            elif held.transaction is not None or len(sets) == 1:
                await _each(session.execute, sql, sets)
            else:
                # All of a batch, or nothing of it.
                await session.execute("BEGIN")
                await _each(session.execute, sql, sets)
                await session.execute("COMMIT")
            return {"updateResults": [{"generatedFields": []} for _ in sets]}

        return await self._run_statement(request, run)

    async def begin_transaction(self, request: BeginTransactionRequest) -> Response:
        cluster, login = await self._available(request)
        async with cluster.call():
            held = await self._lease(cluster, login, request, keep=False)
            await held.session.execute("BEGIN")
            return {"transactionId": cluster.transactions.add(held.session, login)}

    async def commit_transaction(self, request: EndTransactionRequest) -> Response:
        return await self._end_transaction(request, "COMMIT", "Transaction Committed")

    async def rollback_transaction(self, request: EndTransactionRequest) -> Response:
        return await self._end_transaction(request, "ROLLBACK", "Rollback Complete")

    async def _end_transaction(self, request: EndTransactionRequest, sql: str, status: str) -> Response:
        """A COMMIT that PostgreSQL makes a ROLLBACK, because a statement failed, is "Transaction Committed" on AWS."""
        cluster = await self._account.cluster(request.resource_arn)
        user, _ = await self._account.credentials(request.secret_arn, cluster)
        async with cluster.call():
            transaction = cluster.transactions.acquire(request.transaction_id, user)
            try:
                await transaction.session.execute(sql)
            finally:
                cluster.transactions.end(transaction, ENDED)
            return {"transactionStatus": status}

    async def _run_statement(
        self,
        request: StatementRequest,
        run: Callable[[Lease, str, Sequence[str]], Coroutine[Any, Any, Response]],
        *,
        detach: bool = False,
    ) -> Response:
        """`detach`: the statement goes on after its call has timed out."""
        cluster, login = await self._available(request)
        if not is_one_statement(request.sql):
            raise validation("Multistatements aren't supported.")
        sql, names = numbered(request.sql)
        async with cluster.call():
            if alters := ALTERS_THE_CLUSTER.match(sql):
                cluster.pool.close_idle()
            held = await self._lease(cluster, login, request, keep=not alters)
            return await self._with_timeout(held, run(held, sql, names), detach=detach)

    async def _lease(self, cluster: Cluster, login: Login, request: BeginTransactionRequest, *, keep: bool) -> Lease:
        """A session for the call. A password that is refused may have been rotated: then it is read again, once."""
        try:
            return await lease(cluster, login, request, keep=keep)
        except ApiError as error:
            if WRONG_PASSWORD not in str(error):
                raise
            user, password = await self._account.credentials(request.secret_arn, cluster, fresh=True)
            if password == login.password:
                raise
            return await lease(cluster, replace(login, user=user, password=password), request, keep=keep)

    async def _with_timeout(self, held: Lease, work: Coroutine[Any, Any, T], *, detach: bool) -> T:
        """Give up after `statement_seconds`: the statement is cancelled, or goes on if it is to be detached."""
        timed_out = ApiError("StatementTimeoutException", "Request timed out", dbConnectionId=held.session.backend)
        if detach:
            task = asyncio.create_task(work)
            task.add_done_callback(held.release_after)
            if not (await asyncio.wait({task}, timeout=self._statement_seconds))[0]:
                raise timed_out
            return task.result()
        limit = Limit(self._statement_seconds, held.session)
        try:
            return await work
        except ApiError:
            if limit.is_exceeded:
                raise timed_out from None
            raise
        finally:
            limit.end()
            held.release()

    async def _available(self, request: BeginTransactionRequest) -> tuple[Cluster, Login]:
        """Without a database AWS connects to that of the user's name, as libpq does."""
        if request.schema:
            raise validation("The schema parameter isn't supported.")
        cluster = await self._account.cluster(request.resource_arn)
        cluster.require_available()
        user, password = await self._account.credentials(request.secret_arn, cluster)
        return cluster, Login(user, password, request.database or user)


async def _each(execute: Callable[[str, Bound], Awaitable[Outcome]], sql: str, sets: list[Bound]) -> None:
    for bound in sets:
        await execute(sql, bound)
