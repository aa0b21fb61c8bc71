"""examples/fastapi_chat as a process, as on Fargate: TLS, a login by IAM, a health check that wakes nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from local_aws.postgres.server import Postgres as LocalPostgres
from local_aws.state import REGION
from tests.support.certificates import Authority
from tests.support.data_api_endpoint import KEY, until
from tests.support.database_front import Front, check_token
from tests.support.migrated_database import DATABASE, IAM_ROLE, MigratedDatabase
from tests.support.repository import REPOSITORY


@dataclass(frozen=True)
class Service:
    """`cluster`: the endpoint of the database, which it connects to. `log`: what it writes."""

    port: int
    cluster: Front
    log: Path

    def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of a POST; of a GET without a body."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def service(
    server: LocalPostgres,
    authority: Authority,
    migrated: MigratedDatabase,
    trusted: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """Its process ends as a task of ECS's does."""
    server.start()
    cluster = Front(server.port, authority.server("localhost"))
    cluster._check = check_token("localhost", cluster.port, IAM_ROLE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        service = Service(probe.getsockname()[1], cluster, tmp_path_factory.mktemp("service") / "log")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": KEY.id,
        "AWS_SECRET_ACCESS_KEY": KEY.secret,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": migrated.endpoint.url,
        "STCHAT_DB_HOST": "localhost",
        "STCHAT_DB_PORT": str(cluster.port),
        "STCHAT_DATABASE": DATABASE,
        "STCHAT_DB_IAM_ROLE": IAM_ROLE,
        "STCHAT_DB_CA_BUNDLE": str(authority.bundle),
        "STCHAT_DB_IDLE_SECONDS": "1",
    }
    command = [sys.executable, "-m", "uvicorn", "examples.fastapi_chat.service:app", "--port", str(service.port)]
    with service.log.open("w") as output:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=output)

    def is_up() -> bool:
        assert process.poll() is None, service.log.read_text()
        try:
            return service.call("/health") == (200, {"status": "ok"})
        except URLError:
            return False

    until(is_up, "the service answers")
    yield service
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (0, -signal.SIGTERM), service.log.read_text()
    cluster.close()


def sessions(server: LocalPostgres) -> int:
    with server.connect() as superuser:
        row = superuser.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [IAM_ROLE]).fetchone()
    assert row
    return int(row[0])


def test_the_service(service: Service, server: LocalPostgres, user: str) -> None:
    call = service.call
    assert sessions(server) == 0  # neither its start nor its health check needs the database
    turn = {"userid": user, "theme": "旅行", "chatid": 1, "userinput": "canary 猫", "botresponse": "b"}
    assert call("/add", turn) == (200, {"created": True})
    assert call("/add", turn) == (200, {"created": False})
    status, found = call("/turns", {"userid": user})
    assert (status, [(one["chatid"], one["userinput"]) for one in found]) == (200, [(1, "canary 猫")])
    memory = {"userid": user, "theme": "旅行", "chatid": 1, "summary": "canary 静かな庭が好き", "metadata": {"a": 1}}
    assert call("/remember", memory) == (200, {"created": True})
    status, [nearest] = call("/recall", {"userid": user, "query": "静かな庭", "k": 1})
    assert (status, nearest["summary"], nearest["metadata"]) == (200, memory["summary"], {"a": 1})
    assert call("/recall", {"userid": f"not {user}", "query": "静かな庭"}) == (200, [])

    status, refused = call("/turns", {"userid": user, "limit": 0})
    assert (status, refused["field"]) == (400, "limit")
    status, conflict = call("/add", turn | {"userinput": "canary 犬"})
    assert (status, conflict["error"].partition(":")[0]) == (
        409,
        "chatid 1 of this user and theme holds another turn, which is unchanged",
    )
    with ThreadPoolExecutor(16) as pool:
        added = pool.map(lambda number: call("/add", turn | {"chatid": 2 + number}), range(64))
        assert list(added) == [(200, {"created": True})] * 64
    written = service.log.read_text()
    assert "/add: ConflictError" in written
    assert user not in written
    assert "canary" not in written


def test_a_health_check_wakes_nothing(service: Service, server: LocalPostgres, user: str) -> None:
    """A second after the last call nothing is connected, although it is checked all the time; then a call waits."""
    call = service.call
    assert call("/turns", {"userid": user}) == (200, [])
    until(lambda: call("/health")[0] == 200 and sessions(server) == 0, "the pool has closed its connections", 20)
    server.stop()
    assert call("/health") == (200, {"status": "ok"})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, "/turns", {"userid": user})
        time.sleep(1)
        assert not waiting.done()
        server.start()
        service.cluster.target = server.port
        assert waiting.result(60) == (200, [])
