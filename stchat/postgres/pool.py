"""Connections that are kept, and closed when they are not used, so that a cluster with a minimum of 0 ACU can pause.

psycopg_pool closes one idle connection per `max_idle` (32 of 60 s: half an hour after the last call), and a login that
is refused is in its log instead of in the caller's error; hence this one (docs/transports.md).
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg.pq import TransactionStatus

from stchat.errors import UnavailableError
from stchat.postgres.server import Connection

SHORTEST_WAIT = 0.05  # of the thread that closes idle connections


class Pool:
    """`size` connections at most, made by the callers when they need them. Each is closed `idle_seconds` after its last
    use. Threads may share it; a process that forks begins with an empty one."""

    def __init__(self, connect: Callable[[float], Connection], *, size: int, idle_seconds: float) -> None:
        self._connect = connect
        self._size = size
        self._idle_seconds = idle_seconds
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._idle: deque[tuple[Connection, float]] = deque()
        self._open = 0
        self._closer: threading.Thread | None = None

    @property
    def open(self) -> int:
        """How many connections there are, idle or in use."""
        return self._open

    @contextmanager
    def connection(self, seconds: float) -> Iterator[Connection]:
        """One for the block. `seconds`: how long to wait for it at most.

        Raises:
            UnavailableError: all are in use for that long; its code is PoolExhausted.
            DataApiError: as `connect`.
        """
        connection = self._take(seconds)
        try:
            yield connection
        finally:
            self._give_back(connection)

    def discard_idle(self) -> None:
        """Those that lie here; for instance since a failover has made another server the writer."""
        with self._changed:
            idle = [connection for connection, _ in self._idle]
            self._idle.clear()
            self._open -= len(idle)
            self._changed.notify_all()
        for connection in idle:
            connection.close()

    def _take(self, seconds: float) -> Connection:
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                while self._idle:
                    connection, _ = self._idle.pop()
                    if _is_alive(connection):
                        return connection
                    connection.close()
                    self._open -= 1
                if self._open < self._size:
                    self._open += 1
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    raise UnavailableError(
                        f"all {self._size} connections of the pool are in use, and none came back within"
                        f" {seconds:.1f} s: raise pool_size, or make fewer calls at once",
                        code="PoolExhausted",
                    )
                self._changed.wait(left)
        try:
            return self._connect(max(0.0, deadline - time.monotonic()))
        except BaseException:
            self._closed()
            raise

    def _give_back(self, connection: Connection) -> None:
        if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
            connection.close()
            self._closed()
            return
        with self._changed:
            self._idle.append((connection, time.monotonic()))
            self._changed.notify()
            if self._closer is None:
                self._closer = threading.Thread(target=self._close_idle, name="stchat-pool", daemon=True)
                self._closer.start()

    def _closed(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def _close_idle(self) -> None:
        """Ends with the last idle connection: a program at rest has no thread of the pool's."""
        while True:
            with self._changed:
                if not self._idle:
                    self._closer = None
                    return
                wait = self._idle[0][1] + self._idle_seconds - time.monotonic()
                old = self._idle.popleft()[0] if wait <= 0 else None
                self._open -= old is not None
            if old is None:
                time.sleep(max(wait, SHORTEST_WAIT))
            else:
                old.close()


def _is_alive(connection: Connection) -> bool:
    """A server that has ended a session has said so: then there is something to read, which an idle session has not."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
