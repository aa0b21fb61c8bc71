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
from local_aws.data_api.session import Login, Outcome
from local_aws.data_api.tokens import is_one_statement, numbered

Request = dict[str, Any]
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
        self.handlers: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "ExecuteStatement": self.execute_statement,
            "BatchExecuteStatement": self.batch_execute_statement,
            "BeginTransaction": self.begin_transaction,
            "CommitTransaction": self.commit_transaction,
            "RollbackTransaction": self.rollback_transaction,
        }

    async def execute_statement(self, request: Request) -> Response:
        async def run(session_lease: Lease, sql: str, names: Sequence[str]) -> Response:
            session = session_lease.session
            bound = bind(names, request.get("parameters", []))
            outcome = await session.execute(sql, bound, results.limit(request))
            if outcome.columns is None:
                return results.response(outcome, (), request)
            types = await metadata.types(session, outcome.columns)
            try:
                response = results.response(outcome, types, request)
            except ApiError:
                if outcome.is_too_large:
                    session_lease.end_transaction(": the result exceeded the size limit")
                raise
            if request.get("includeResultMetadata") and "records" in response:
                response["columnMetadata"] = await metadata.metadata(session, outcome.columns, types)
            return response

        return await self._run_statement(request, run)

    async def batch_execute_statement(self, request: Request) -> Response:
        async def run(session_lease: Lease, sql: str, names: Sequence[str]) -> Response:
            session = session_lease.session
            sets = [bind(names, parameters) for parameters in request.get("parameterSets", [])]
            if not sets:
                await session.execute(sql)
            elif session_lease.transaction is not None or len(sets) == 1:
                await _each(session.execute, sql, sets)
            else:
                # All of a batch, or nothing of it.
                await session.execute("BEGIN")
                await _each(session.execute, sql, sets)
                await session.execute("COMMIT")
            return {"updateResults": [{"generatedFields": []} for _ in sets]}

        return await self._run_statement(request, run)

    async def begin_transaction(self, request: Request) -> Response:
        cluster, login = await self._awake(request)
        async with cluster.call():
            held = await self._lease(cluster, login, request, keep=False)
            await held.session.execute("BEGIN")
            return {"transactionId": cluster.transactions.add(held.session, login)}

    async def commit_transaction(self, request: Request) -> Response:
        return await self._end_transaction(request, "COMMIT", "Transaction Committed")

    async def rollback_transaction(self, request: Request) -> Response:
        return await self._end_transaction(request, "ROLLBACK", "Rollback Complete")

    async def _end_transaction(self, request: Request, sql: str, status: str) -> Response:
        cluster = await self._account.cluster(request["resourceArn"])
        user, _ = await self._account.credentials(request["secretArn"], cluster)
        async with cluster.call():
            transaction = cluster.transactions.claim(request["transactionId"], user)
            try:
                outcome: Outcome = await transaction.session.execute(sql)
            finally:
                cluster.transactions.end(transaction)
            if outcome.tag != sql:
                # PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK.
                raise ApiError(
                    "DatabaseErrorException",
                    "ERROR: current transaction is aborted, commands ignored until end of transaction block; "
                    "SQLState: 25P02",
                )
            return {"transactionStatus": status}

    async def _run_statement(
        self, request: Request, run: Callable[[Lease, str, Sequence[str]], Coroutine[Any, Any, Response]]
    ) -> Response:
        cluster, login = await self._awake(request)
        if not is_one_statement(request["sql"]):
            raise validation("Multistatements aren't supported.")
        sql, names = numbered(request["sql"])
        async with cluster.call():
            if alters := ALTERS_THE_CLUSTER.match(sql):
                cluster.pool.close_idle()
            held = await self._lease(cluster, login, request, keep=not alters)
            return await self._within_the_limit(held, run(held, sql, names), request)

    async def _lease(self, cluster: Cluster, login: Login, request: Request, *, keep: bool) -> Lease:
        """A session for the call. A password that is refused may have been rotated: then it is read anew, once."""
        try:
            return await lease(cluster, login, request, keep=keep)
        except ApiError as error:
            if WRONG_PASSWORD not in str(error):
                raise
            user, password = await self._account.credentials(request["secretArn"], cluster, fresh=True)
            if password == login.password:
                raise
            return await lease(cluster, replace(login, user=user, password=password), request, keep=keep)

    async def _within_the_limit(self, held: Lease, work: Coroutine[Any, Any, T], request: Request) -> T:
        """Give up after `statement_seconds`: the statement is cancelled, or goes on if the caller said so."""
        timed_out = ApiError("StatementTimeoutException", "Request timed out", dbConnectionId=held.session.backend)
        if request.get("continueAfterTimeout"):
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

    async def _awake(self, request: Request) -> tuple[Cluster, Login]:
        if request.get("schema"):
            raise validation("The schema parameter isn't supported.")
        cluster = await self._account.cluster(request["resourceArn"])
        cluster.require_awake()
        user, password = await self._account.credentials(request["secretArn"], cluster)
        return cluster, Login(user, password, request.get("database") or cluster.facts.default_database)


async def _each(execute: Callable[[str, Bound], Awaitable[Outcome]], sql: str, sets: list[Bound]) -> None:
    for bound in sets:
        await execute(sql, bound)
