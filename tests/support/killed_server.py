"""A PostgreSQL that dies, and another one on its storage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import psutil

from local_aws.postgres.server import Postgres
from tests.support.data_api_endpoint import until
from tests.support.database_front import Front
from tests.support.migrated_database import DATABASE

T = TypeVar("T")
TABLES = "st_chat_history_table, st_chat_history_vector_table, st_chat_memory_code"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'st_chat_app%' AND wait_event_type = 'Lock'"
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'st_chat_app%'"


def kill(server: Postgres) -> None:
    """kill -9 of every process."""
    assert server.pid
    parent = psutil.Process(server.pid)
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: not server.is_running, "the server is dead")


def fail_over(server: Postgres, front: Front) -> None:
    """Another server, on another port, of the same storage: what Aurora does."""
    kill(server)
    server.start()
    front.target = server.port


def kill_backend(server: Postgres, front: Front) -> None:
    """kill -9 of the application's session: PostgreSQL ends all the others and recovers, on the same port."""
    with server.connect() as superuser:
        pids = [row[0] for row in superuser.execute(SESSIONS).fetchall()]
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    front.target = server.port


def cut(server: Postgres, front: Front) -> None:  # noqa: ARG001
    """The network alone: the server goes on with what it was sent."""
    front.cut()


def in_the_middle(server: Postgres, operation: Callable[[], T], meet: Callable[[], None]) -> T:
    """What `operation` returns, to which `meet` happens while its statement waits for a lock."""
    with ThreadPoolExecutor(1) as pool:
        blocker = server.connect(DATABASE)
        try:
            blocker.execute("BEGIN")
            blocker.execute(f"LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE")
            future: Future[T] = pool.submit(operation)
            with server.connect() as watch:
                until(lambda: watch.execute(WAITING).fetchone() != (0,), "the operation waits")
            meet()
        finally:
            with contextlib.suppress(Exception):
                blocker.execute("ROLLBACK")
            blocker.close()
        return future.result(timeout=60)
