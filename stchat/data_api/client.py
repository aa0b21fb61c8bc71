"""The client of the RDS Data API: statements, transactions, and the timeout that a paused cluster asks for.

Repeated is only what cannot have run (asleep, throttled, never sent) or what the caller calls idempotent. The rest
is raised as OutcomeUnknownError, for the caller to find out. SQL and parameters are never logged.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api.error_mapping import translate
from stchat.data_api.retry import Backoff
from stchat.data_api.values import Row, to_parameters, to_rows
from stchat.environment import ApplicationSettings
from stchat.errors import (
    DatabaseError,
    OutcomeUnknownError,
    StchatError,
    TransactionLostError,
    UnavailableError,
)

if TYPE_CHECKING:
    from types_boto3_rds_data import RDSDataServiceClient

log = logging.getLogger(__name__)
T = TypeVar("T")

STATEMENT_SECONDS = 45  # how long the Data API waits for a statement
ROTATION_SECONDS = 10.0  # a refused login is repeated for, since the password may be changing: nothing has run
CONNECTIONS = 50  # threads that may share a client before its connections are closed after each call

MAKING = threading.Lock()  # boto3's default session is not made for threads that make their clients at once


def rds_data_client(read_seconds: float = STATEMENT_SECONDS + 15) -> RDSDataServiceClient:
    """botocore's own retries are off, since it would send an ExecuteStatement again that a 5xx may have run.

    `read_seconds`: how long one call may take; shorter where a caller has less time than the longest statement.
    """
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=read_seconds,
        max_pool_connections=CONNECTIONS,
    )
    with MAKING:
        return boto3.client("rds-data", config=config)


@dataclass(frozen=True)
class Result:
    """`rows` by column label, of a query; `updated`, the number of rows that another statement changed."""

    rows: list[Row]
    updated: int


@dataclass(frozen=True)
class DataApi:
    """One database of a cluster. `timeout`: how many seconds a call may wait for a cluster that is asleep or busy."""

    client: RDSDataServiceClient
    cluster_arn: str
    secret_arn: str
    database: str
    timeout: float = 180.0

    @classmethod
    def from_settings(cls, settings: ApplicationSettings) -> DataApi:
        return cls(rds_data_client(), settings.cluster_arn, settings.secret_arn, settings.database)

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

        A commit in doubt is rolled back too: if it has not run it never will, so what is there to see is final.
        """
        begun = self._call(self.client.begin_transaction, idempotent=True, **self._target, database=self.database)
        transaction = Transaction(self, begun["transactionId"])
        try:
            yield transaction
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
        tries = Backoff(self.timeout)
        while True:
            try:
                return operation(**arguments)
            except (ClientError, BotoCoreError) as error:
                fault = translate(error)
                again = (
                    isinstance(fault, UnavailableError)
                    or (idempotent and isinstance(fault, OutcomeUnknownError))
                    or (
                        isinstance(fault, DatabaseError)
                        and fault.sqlstate == "28P01"
                        and tries.waited < ROTATION_SECONDS
                    )
                )
                if not again or tries.are_over:
                    raise fault from error
                log.info("waiting for the database, %.0f s so far: %s", tries.waited, fault)
            tries.pause()


@dataclass(frozen=True)
class Transaction:
    """A transaction that is open. It ends by itself after 3 minutes without a call."""

    api: DataApi
    id: str

    def execute(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, continue_after_timeout: bool = False
    ) -> Result:
        return self.api._execute(
            sql,
            parameters,
            idempotent=False,
            transactionId=self.id,
            continueAfterTimeout=continue_after_timeout,
        )

    def roll_back(self) -> None:
        """Never raises: what cannot be rolled back now ends by itself."""
        try:
            self.api._call(self.api.client.rollback_transaction, **self.api._target, transactionId=self.id)
        except TransactionLostError:
            pass
        except StchatError as error:
            log.warning("could not roll back, the transaction will end by itself: %s", error)
