"""The client of the RDS Data API: statements, transactions, and retries while a paused cluster resumes.

Retried is only what cannot have run (paused, throttled, never sent) or what the caller calls idempotent. The rest
is raised as OutcomeUnknownError, for the caller to find out. SQL and parameters are never logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api.aws_client import aws_client
from stchat.data_api.database import Result
from stchat.data_api.error_mapping import translate
from stchat.data_api.retry import Backoff, retry_call
from stchat.data_api.values import to_parameters, to_rows
from stchat.environment import ApplicationSettings, Settings, region_of
from stchat.errors import (
    DataApiError,
    StchatError,
    TransactionAbortedError,
    TransactionLostError,
)

if TYPE_CHECKING:
    from types_boto3_rds_data import RDSDataServiceClient

log = logging.getLogger(__name__)
T = TypeVar("T")

STATEMENT_SECONDS = 45  # how long the Data API waits for a statement
READ_SECONDS = STATEMENT_SECONDS + 15.0  # how long this client waits for a response


def rds_data_client(cluster_arn: str = "", *, read_seconds: float = READ_SECONDS) -> RDSDataServiceClient:
    """In the region of the cluster's ARN; without one, in boto3's.

    botocore's own retries are off, since it would send an ExecuteStatement again that a 5xx may have run.

    `read_seconds`: how long one call may take; shorter where a caller has less time than the longest statement.
    """
    client = aws_client("rds-data", region_of(cluster_arn), read_seconds=read_seconds)
    return cast("RDSDataServiceClient", client)


@dataclass(frozen=True)
class DataApi:
    """One database of a cluster. `timeout`: how many seconds a call may wait for a cluster that is paused or busy."""

    client: RDSDataServiceClient
    cluster_arn: str
    secret_arn: str
    database: str
    timeout: float = 180.0

    @classmethod
    def from_settings(
        cls, settings: Settings | ApplicationSettings, *, timeout: float = 180.0, read_seconds: float = READ_SECONDS
    ) -> DataApi:
        """`read_seconds`: how long one call may take."""
        client = rds_data_client(settings.cluster_arn, read_seconds=read_seconds)
        return cls(client, settings.cluster_arn, settings.secret_arn, settings.database, timeout)

    def with_database(self, database: str) -> DataApi:
        return replace(self, database=database)

    def with_timeout(self, seconds: float) -> DataApi:
        """The same, with that much timeout: a Lambda's remaining time, less what it needs to answer."""
        return replace(self, timeout=seconds)

    def execute(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        idempotent: bool = False,
        continue_after_timeout: bool = False,
    ) -> Result:
        """One statement in a transaction of its own."""
        return self._execute(
            sql,
            parameters,
            idempotent=idempotent,
            database=self.database,
            continueAfterTimeout=continue_after_timeout,
        )

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Committed at the end of the block, rolled back when the block raises.

        A commit whose outcome is unknown is rolled back too: if it has not run it never will, so what is there to see
        is final.

        Raises:
            TransactionAbortedError: the last statement of the block failed and its error was caught.
        """
        begun = self._call(self.client.begin_transaction, idempotent=True, **self._target, database=self.database)
        transaction = Transaction(self, begun["transactionId"])
        try:
            yield transaction
            if transaction.failure is not None:
                raise TransactionAbortedError(transaction.failure) from transaction.failure
            self._call(self.client.commit_transaction, transactionId=transaction.id, **self._target)
        except BaseException:
            transaction.roll_back()
            raise

    @property
    def _target(self) -> dict[str, Any]:
        return {"resourceArn": self.cluster_arn, "secretArn": self.secret_arn}

    def _execute(self, sql: str, parameters: Mapping[str, Any] | None, *, idempotent: bool, **more: Any) -> Result:
        answer = self._call(
            self.client.execute_statement,
            idempotent=idempotent,
            **self._target,
            sql=sql,
            parameters=to_parameters(parameters or {}),
            includeResultMetadata=True,
            **more,
        )
        rows = to_rows(answer.get("records", []), answer.get("columnMetadata", []))
        return Result(rows, answer.get("numberOfRecordsUpdated", 0))

    def _call(self, operation: Callable[..., T], *, idempotent: bool = False, **arguments: Any) -> T:
        backoff = Backoff(self.timeout)

        def attempt() -> T:
            try:
                return operation(**arguments)
            except (ClientError, BotoCoreError) as error:
                raise translate(error) from error

        return retry_call(attempt, backoff, idempotent=idempotent)


@dataclass
class Transaction:
    """A transaction that is open. It ends by itself after 3 minutes without a call."""

    api: DataApi
    id: str
    failure: DataApiError | None = field(default=None, init=False)
    """That of the last statement. PostgreSQL then runs nothing more but a rollback, the whole one or to a savepoint; on
    AWS a commit would succeed and keep nothing."""

    def execute(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, continue_after_timeout: bool = False
    ) -> Result:
        try:
            result = self.api._execute(
                sql,
                parameters,
                idempotent=False,
                transactionId=self.id,
                continueAfterTimeout=continue_after_timeout,
            )
        except DataApiError as failure:
            self.failure = failure
            raise
        self.failure = None
        return result

    def roll_back(self) -> None:
        """Never raises: what cannot be rolled back now ends by itself."""
        try:
            self.api._call(self.api.client.rollback_transaction, **self.api._target, transactionId=self.id)
        except TransactionLostError:
            pass
        except StchatError as error:
            log.warning("could not roll back, the transaction will end by itself: %s", error)
