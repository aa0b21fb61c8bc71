"""The endpoint in the background, for continuous integration: started, found again and stopped by its --data."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from local_aws import processes
from local_aws.processes import LocalError
from local_aws.state import Server

FILE, LOG = "endpoint.json", "endpoint.log"


def start(data: Path, port: int, env_file: Path | None, command: Sequence[str], dsn: str | None) -> int:
    """Return when the endpoint answers. A DSN reaches it through its environment, not its arguments."""
    running = _load(data)
    if processes.is_running(running):
        assert running is not None
        raise LocalError(f"an endpoint runs in {data} already, process {running.pid}: stop it with --stop")
    data.mkdir(parents=True, exist_ok=True)
    if env_file is not None:
        command = [*command, "--env-file", str(env_file.absolute())]
    environment = dict(os.environ) | ({"STCHAT_DSN": dsn} if dsn else {})
    log = data / LOG
    log.unlink(missing_ok=True)
    server = processes.start(command, environment=environment, cwd=Path.cwd(), log=log)
    try:
        processes.wait_until_up(server, f"http://127.0.0.1:{port}/_local/status", log)
        _file(data).write_text(json.dumps(asdict(server)))
    except BaseException:
        processes.stop(server)
        raise
    print(f"Data API on http://127.0.0.1:{port}, process {server.pid}; its log is {log}")
    return 0


def stop(data: Path) -> int:
    server = _load(data)
    if not processes.is_running(server):
        print(f"no endpoint runs in {data}")
        return 0
    processes.stop(server)
    _file(data).unlink(missing_ok=True)
    print("stopped; the data stay")
    return 0


def _load(data: Path) -> Server | None:
    try:
        return Server(**json.loads(_file(data).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _file(data: Path) -> Path:
    return data / FILE
