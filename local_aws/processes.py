"""Starting and stopping the servers of a local AWS, by the process ids that were started."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from local_aws.errors import LocalError as LocalError
from local_aws.state import Server

START_SECONDS = 60
STOP_SECONDS = 20
# Past any proxy that the environment names.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
POSTGRES = ("postgres", "initdb", "pg_basebackup", "setpriv")


def require_free_ports(ports: Mapping[str, int]) -> None:
    """Refuse ports that something else listens on, before anything is started. `ports`: by the flag that sets each.

    Raises:
        LocalError: names every port that is taken.
    """
    taken = {flag: port for flag, port in ports.items() if not _is_free(port)}
    if taken:
        numbers, flags = " and ".join(map(str, taken.values())), " and ".join(taken)
        if len(taken) == 1:
            raise LocalError(f"port {numbers} on 127.0.0.1 is taken: choose another with {flags}")
        raise LocalError(f"ports {numbers} on 127.0.0.1 are taken: choose others with {flags}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise LocalError(f"port {port} needs more rights than this user has: choose one from 1024") from error
        except OSError:
            return False
        return True


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
            with DIRECTLY.open(url, timeout=2):
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


def _wait(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Wait until they have ended; returns those that have not after STOP_SECONDS.

    A zombie has ended. The first process of a container may take it away late or never, which psutil.wait_procs waits
    for.
    """
    deadline = time.monotonic() + STOP_SECONDS
    while (alive := [one for one in processes if _runs(one)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(server: Server | None) -> None:
    """End a server and whatever it started: ask, wait, then insist."""
    process = _find(server)
    if process is None:
        return
    children = process.children(recursive=True)
    process.terminate()
    alive = _wait([process])
    orphans = [child for child in children if _runs(child)]
    for straggler in [*alive, *orphans]:
        straggler.kill()
    _wait([*alive, *orphans])


def strays(directory: Path, recorded: Sequence[Server | None]) -> list[psutil.Process]:
    """What runs for the local AWS in `directory` and is not one of the `recorded` servers: left by a kill."""
    ids = {server.pid for server in recorded if server is not None}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in ids and _belongs_to(process.cmdline(), str(directory)):
                found.append(process)
    return found


def stop_strays(processes: Sequence[psutil.Process]) -> None:
    """PostgreSQL ends its sessions and stops at SIGINT; at SIGTERM it would wait for them."""
    for number in (signal.SIGINT, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        processes = _wait(processes)


def _belongs_to(command: Sequence[str], directory: str) -> bool:
    match command:
        case [program, *arguments]:
            pass
        case _:
            return False
    if Path(program).name in POSTGRES:
        return any(argument.startswith(f"{directory}/clusters/") for argument in arguments)
    return (
        (arguments[:1] == ["-c"] and "local_aws.ministack" in arguments[1] and directory in arguments)
        or (arguments[:3] == ["-m", "local_aws", "data-api"] and f"{directory}/clusters" in arguments)
        or ("--output" in arguments and f"{directory}/cdk.out" in arguments)
    )


def _find(server: Server | None) -> psutil.Process | None:
    if server is None:
        return None
    try:
        process = psutil.Process(server.pid)
        same = abs(process.create_time() - server.started) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
