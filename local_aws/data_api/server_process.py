"""The PostgreSQL server behind a cluster: the embedded one, or one that the user already has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from local_aws.postgres.server import Postgres
from local_aws.processes import LocalError

COUNT_CLIENTS = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> %s
"""


class ServerProcess(Protocol):
    host: str

    @property
    def port(self) -> int: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def has_other_clients(self, application_name: str) -> bool: ...
    async def copy_to(self, directory: Path) -> None: ...


class Embedded:
    """A server that the endpoint starts: starting, stopping and queries block, so a thread does it."""

    host = "127.0.0.1"

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._one_at_a_time = asyncio.Lock()

    @property
    def port(self) -> int:
        return self.postgres.port

    async def start(self) -> None:
        async with self._one_at_a_time:
            await asyncio.to_thread(self.postgres.start)

    async def stop(self) -> None:
        async with self._one_at_a_time:
            await asyncio.to_thread(self.postgres.stop)

    async def has_other_clients(self, application_name: str) -> bool:
        """Whether other clients are connected: an open connection keeps Aurora from pausing."""

        def ask() -> bool:
            with self.postgres.connect() as connection:
                row = connection.execute(COUNT_CLIENTS, [application_name]).fetchone()
                return row is not None and row[0] > 0

        return await asyncio.to_thread(ask)

    async def copy_to(self, directory: Path) -> None:
        async with self._one_at_a_time:
            await asyncio.to_thread(self.postgres.copy_to, directory)


class Existing:
    """The user's own server: the endpoint never stops it, so a paused cluster only reports that it is."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    async def start(self) -> None:
        """It runs already."""

    async def stop(self) -> None:
        """It goes on."""

    async def has_other_clients(self, application_name: str) -> bool:  # noqa: ARG002
        return True

    async def copy_to(self, directory: Path) -> None:  # noqa: ARG002
        raise LocalError("a snapshot needs the embedded PostgreSQL, got a server given by --dsn")
