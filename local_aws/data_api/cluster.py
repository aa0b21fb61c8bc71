"""A cluster as the Data API sees it: available, paused or resuming, with its connections and transactions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from local_aws.data_api.errors import ApiError
from local_aws.data_api.pool import IDLE_SECONDS, Pool
from local_aws.data_api.server_process import ServerProcess
from local_aws.data_api.session import Login, Session
from local_aws.data_api.transactions import Limits, Transactions
from local_aws.processes import LocalError

LOG = logging.getLogger("local_aws.data_api")
APPLICATION_NAME = "rds-data-api"


class State(StrEnum):
    AVAILABLE = "available"
    PAUSED = "paused"
    RESUMING = "resuming"


@dataclass(frozen=True)
class ClusterInfo:
    """What the control plane returns about a cluster. `idle_seconds` is its auto-pause interval; None: never."""

    identifier: str
    arn: str
    instance: str
    idle_seconds: float | None = None


class Cluster:
    def __init__(self, info: ClusterInfo, server: ServerProcess, *, resume_seconds: float, limits: Limits) -> None:
        self.info = info
        self.server = server
        self.state = State.AVAILABLE
        self.transactions = Transactions(limits)
        self.pool = Pool(self._connect)
        self._resume_seconds = resume_seconds
        self._resuming: asyncio.Task[None] | None = None
        self._calls = 0
        self._used = time.monotonic()

    def require_available(self) -> None:
        """Begin to resume a cluster that is paused.

        Raises:
            ApiError: DatabaseResumingException until it is available.
        """
        if self.state == State.AVAILABLE:
            return
        self.resume()
        raise ApiError(
            "DatabaseResumingException",
            f"The Aurora DB instance {self.info.instance} is resuming after being auto-paused. "
            "Please wait a few seconds and try again.",
        )

    def resume(self) -> None:
        if self.state == State.PAUSED:
            self.state = State.RESUMING
            self._resuming = asyncio.create_task(self._resume())

    async def resumed(self) -> None:
        """Return when it is available."""
        self.resume()
        if self._resuming is not None:
            await self._resuming

    async def pause(self) -> None:
        """Stop PostgreSQL, as Aurora does: every session and every open transaction is gone."""
        await self.resumed()
        self.state = State.PAUSED
        self.transactions.end_all()
        self.pool.close_idle()
        await self.server.stop()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Count a call: while one runs there is no auto-pause."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            self._used = time.monotonic()

    async def run_maintenance(self) -> None:
        """Expire what is old, and pause after the cluster's own idle interval. Called every second or so."""
        self.transactions.expire()
        self.pool.close_idle(older_than=IDLE_SECONDS)
        idle = self.info.idle_seconds
        if idle is None or self.state != State.AVAILABLE or self._calls or len(self.transactions):
            return
        if time.monotonic() - self._used > idle:
            if await self.server.has_other_clients(APPLICATION_NAME):
                self._used = time.monotonic()
            else:
                LOG.info("cluster %s: paused after %g idle seconds", self.info.identifier, idle)
                await self.pause()

    async def stop(self) -> None:
        if self._resuming is not None:
            await self._resuming
        self.transactions.end_all()
        self.pool.close_idle()
        await self.server.stop()

    async def _resume(self) -> None:
        try:
            await asyncio.gather(self.server.start(), asyncio.sleep(self._resume_seconds))
        except LocalError:
            # It stays paused, and the next call tries again.
            LOG.exception("cluster %s: PostgreSQL does not start", self.info.identifier)
            self.state = State.PAUSED
        else:
            self.state = State.AVAILABLE
            self._used = time.monotonic()
        finally:
            self._resuming = None

    async def _connect(self, login: Login) -> Session:
        try:
            return await Session.open(self.server.host, self.server.port, login, APPLICATION_NAME)
        except ApiError as error:
            # Killed, or crashed: this call fails, the next one finds it running again.
            if error.name == "DatabaseUnavailableException" and self.state == State.AVAILABLE:
                await self.server.start()
            raise
