"""Starting and stopping the servers of the laptop's AWS, by the process ids that were started."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from local_aws.state import Server

START_SECONDS = 60
STOP_SECONDS = 20


class LocalError(Exception):
    """Something on this machine stands in the way; says what, and the hint."""


def require_free_port(port: int, flag: str) -> None:
    """Refuse a port that something else listens on, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalError(f"port {port} on 127.0.0.1 is taken: choose another with {flag}") from error


def start(command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path) -> Server:
    """Start a server in a session of its own, so that a Ctrl-C meant for us does not tear it down half way."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(process.pid, psutil.Process(process.pid).create_time())


def wait_until_up(server: Server, url: str, log: Path) -> None:
    """Wait until `url` answers at all; a server that ended or stays silent is an error that shows its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            if not is_running(server):
                break
            time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise LocalError(f"{url} did not come up; {log} ends with:\n{tail}")


def is_running(server: Server | None) -> bool:
    """Whether the process still is the one that was started."""
    return _find(server) is not None


def stop(server: Server | None) -> None:
    """End a server and whatever it started: ask, wait, then insist."""
    process = _find(server)
    if process is None:
        return
    children = process.children(recursive=True)
    process.terminate()
    _, alive = psutil.wait_procs([process], timeout=STOP_SECONDS)
    orphans = [child for child in children if child.is_running()]
    for straggler in [*alive, *orphans]:
        straggler.kill()
    psutil.wait_procs([*alive, *orphans], timeout=STOP_SECONDS)


def _find(server: Server | None) -> psutil.Process | None:
    if server is None:
        return None
    try:
        process = psutil.Process(server.pid)
        same = abs(process.create_time() - server.started) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
