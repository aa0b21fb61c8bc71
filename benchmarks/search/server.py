"""The local Data API over a PostgreSQL with an instance's memory, and the databases that are compared."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.search.data import Dataset
from stchat.data_api import DataApi
from stchat.handlers.schema import SQL
from stchat.schema import memory_codes
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load
from tests.support.data_api_endpoint import Endpoint, client, start_endpoint

DATABASE, MASTER = "st_chat_db", Endpoint.master
MEMORY = "st_chat_history_vector_table"
COLUMNS = "userid, theme, chatid, chat_summary, metadata, chat_vector"
HNSW = f"{MEMORY}_chat_vector_idx"
OLD = 5  # the migrations of st_chat_db that make the original schema
SETTINGS = {
    "shared_buffers": "4GB", "effective_cache_size": "12GB", "max_wal_size": "16GB", "fsync": "off",
    "autovacuum": "off",  # it would come in the middle of a measurement
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """`master`: the Data API as the owner, of the database postgres; `app`: the same as st_chat_app."""

    endpoint: Endpoint
    master: DataApi
    app: DataApi

    def superuser(self, database: str) -> psycopg.Connection:
        return self.endpoint.psql(database)

    def connect(self, database: str, role: str) -> psycopg.Connection:
        """As the role, past the Data API."""
        connection = self.superuser(database)
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        return connection

    def run(self, database: str, *statements: str) -> float:
        """How many seconds they took, one after the other in one session."""
        began = time.monotonic()
        with self.superuser(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return time.monotonic() - began

    def rename(self, old: str, new: str) -> None:
        self.run(
            "postgres",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{old}'",
            f"ALTER DATABASE {old} RENAME TO {new}",
            f"GRANT CONNECT ON DATABASE {new} TO st_chat_app",
        )

    def migrate(self, *, to: int = 9999) -> float:
        """Brings st_chat_db up to that migration, as a deploy would; how many seconds it took."""
        runner = Runner(self.master, load(SQL).migrations, SQL, "benchmark")
        began = time.monotonic()
        files = [one for one in runner.files if one.database == "postgres" or one.version <= to]
        assert replace(runner, files=files).apply()
        return time.monotonic() - began

    def learn_codes(self) -> float:
        """As a deploy does after the migrations."""
        began = time.monotonic()
        memory_codes.keep(self.master.with_database(DATABASE))
        return time.monotonic() - began


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def made() -> str:
    """When and beside how much else something was measured."""
    load = os.getloadavg()[2]
    return f"{datetime.now(UTC).date()}, load {load:.0f} on {os.cpu_count()} processors"


@contextmanager
def server() -> Iterator[tuple[Server, Path]]:
    """With a directory for the benchmark's own files, which goes with it."""
    logging.getLogger("stchat").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="stchat-search-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        process, url = start_endpoint(directory)
        try:
            endpoint = Endpoint(url=url, directory=directory, pid=process.pid, client=client(url))
            with endpoint.psql() as superuser:
                for setting, value in SETTINGS.items():
                    superuser.execute(f"ALTER SYSTEM SET {setting} = '{value}'".encode())
            endpoint.pause()
            endpoint.resume()
            master = DataApi(endpoint.client, endpoint.cluster_arn, endpoint.secret_arn, "postgres", timeout=60)
            assert Runner(master, load(SQL).migrations[:2], SQL, "benchmark").apply()
            with endpoint.psql() as superuser:
                superuser.execute("ALTER ROLE st_chat_app LOGIN PASSWORD 'benchmark'")
            yield (
                Server(endpoint, master, replace(master, secret_arn=endpoint.add_secret("st_chat_app", "benchmark"))),
                directory,
            )
        finally:
            process.terminate()
            process.wait(60)


def build(server: Server, dataset: Dataset, name: str, *, to: int = 9999, hnsw: bool) -> dict[str, float]:
    """A database with those migrations and all memories; the seconds of each part.

    The statistics are from when its first user had 100 memories, and no page has been vacuumed since.
    """
    server.run("postgres", "DROP DATABASE IF EXISTS st_chat_db", f"CREATE DATABASE {DATABASE} OWNER {MASTER}")
    server.migrate(to=to)
    server.run(DATABASE, f"DROP INDEX {HNSW}")
    rows = dataset.written()
    began = time.monotonic()
    with server.superuser(DATABASE) as connection:
        write(connection, (next(rows) for _ in range(100)))
        connection.execute(f"UPDATE {MEMORY} SET userid = 'user-000000'".encode())
        connection.execute("ANALYZE")
        connection.execute(f"TRUNCATE {MEMORY} RESTART IDENTITY".encode())
        write(connection, dataset.written())
    seconds = {"copy": time.monotonic() - began}
    if hnsw:
        seconds["hnsw"] = build_hnsw(server, dataset.rows, DATABASE)
    if to > OLD:
        seconds["codes"] = server.learn_codes()
    server.rename(DATABASE, name)
    return seconds


def build_hnsw(server: Server, rows: int, database: str) -> float:
    """With the memory that a graph of so many rows needs."""
    memory = f"SET maintenance_work_mem = '{max(64, rows // 190)}MB'"
    index = f"CREATE INDEX {HNSW} ON {MEMORY} USING hnsw (chat_vector vector_l2_ops)"
    return server.run(database, memory, index, f"ALTER INDEX {HNSW} OWNER TO {MASTER}")


def write(connection: psycopg.Connection, rows: Iterable[list[bytes]]) -> None:
    """COPY in its binary format."""
    with connection.cursor().copy(f"COPY {MEMORY} ({COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for row in rows:
            copy.write(b"\0\6" + b"".join(len(value).to_bytes(4, "big") + value for value in row))
        copy.write(b"\xff\xff")
