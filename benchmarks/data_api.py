"""The local Data API under load, and against psycopg: `python -m benchmarks.data_api`."""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.data_api.admin_client import AdminClient
from local_aws.data_api.standalone import CLUSTER_ARN, DATABASE, MASTER, MASTER_SECRET, secret_arn
from local_aws.state import REGION
from tests.support.data_api_endpoint import KEY, start_endpoint
from tests.support.wire import Wire

MEGABYTE = 2**20
ROUND = 7  # calls of one client, each of another kind; every client makes one round at least


@dataclass(frozen=True)
class Timing:
    """Calls a second, and the median in milliseconds, of calls made one after the other."""

    name: str
    rate: float
    median: float


@dataclass(frozen=True)
class Load:
    """`wrong` counts answers that were not what was asked for; memory is the endpoint's own, in bytes."""

    calls: int
    seconds: float
    wrong: Counter[str]
    memory: tuple[int, int]
    open_transactions: int
    sessions: int


def load(url: str, pid: int, *, clients: int, seconds: float) -> Load:
    """Many clients at once, mixed operations, each answer checked."""
    process = psutil.Process(pid)
    setup = _wire(url)
    setup.call("/Execute", {"sql": "CREATE TABLE IF NOT EXISTS load (client int, n int)"})
    setup.call("/Execute", {"sql": "TRUNCATE load"})
    started = time.monotonic()
    # Connections and buffers reach their size in the first tenth: memory is compared from there.
    settled = threading.Timer(seconds / 10, lambda: memory.append(process.memory_info().rss))
    memory: list[int] = []
    settled.start()
    with ThreadPoolExecutor(clients) as pool:
        results = list(pool.map(lambda number: _client(url, number, started + seconds), range(clients)))
    memory.append(process.memory_info().rss)
    wrong: Counter[str] = Counter()
    for _, mistakes, inserted, number in results:
        wrong += mistakes
        stored = setup.call("/Execute", {"sql": f"SELECT count(*) FROM load WHERE client = {number}"})
        assert stored.status == 200, stored
        wrong["rows lost or doubled"] += abs(stored.body["records"][0][0]["longValue"] - inserted)
    # The last sessions are still being cleaned when their callers have their answers.
    time.sleep(0.2)
    active = (
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() AND usename = 'stchat'"
    )
    sessions = setup.call("/Execute", {"sql": active}).body["records"][0][0]["longValue"]
    [cluster] = AdminClient(url, KEY).status()["clusters"]
    return Load(
        calls=sum(calls for calls, *_ in results),
        seconds=seconds,
        wrong=+wrong,
        memory=(memory[0], memory[-1]),
        open_transactions=cluster["openTransactions"],
        sessions=sessions,
    )


def _client(url: str, number: int, deadline: float) -> tuple[int, Counter[str], int, int]:
    wire = _wire(url)
    wrong: Counter[str] = Counter()
    calls = inserted = step = 0

    def call(
        path: str, what: str, expected: Callable[[dict[str, object]], bool], **members: object
    ) -> dict[str, object]:
        nonlocal calls
        answer = wire.call(path, members)
        calls += 1
        if answer.status != 200 or not expected(answer.body):
            wrong[f"{what}: {answer.status} {answer.error}"] += 1
        return dict(answer.body)

    while step == 0 or time.monotonic() < deadline:
        step += 1
        value = number * 1_000_000 + step
        parameters = [{"name": "v", "value": {"longValue": value}}]
        call("/Execute", "select", lambda body: body["records"] == [[{"longValue": value}]],  # noqa: B023
             sql="SELECT :v", parameters=parameters)  # fmt: skip
        call("/Execute", "rows", lambda body: len(body["records"]) == 50,  # type: ignore[arg-type]
             sql="SELECT g, md5(g::text) FROM generate_series(1, 50) g", includeResultMetadata=True)  # fmt: skip
        begun = call("/BeginTransaction", "begin", lambda body: "transactionId" in body)
        transaction = {"transactionId": begun.get("transactionId")}
        call("/Execute", "insert", lambda body: body["numberOfRecordsUpdated"] == 1,
             sql=f"INSERT INTO load VALUES ({number}, :v)", parameters=parameters, **transaction)  # fmt: skip
        if step % 2:
            call("/CommitTransaction", "commit", lambda body: body["transactionStatus"] == "Transaction Committed",
                 **transaction)  # fmt: skip
            inserted += 1
        else:
            call("/RollbackTransaction", "rollback", lambda body: body["transactionStatus"] == "Rollback Complete",
                 **transaction)  # fmt: skip
        batch = [[{"name": "v", "value": {"longValue": step}}]] * 2
        call("/BatchExecute", "batch", lambda body: len(body["updateResults"]) == 2,  # type: ignore[arg-type]
             sql=f"INSERT INTO load VALUES ({number}, :v)", parameterSets=batch)  # fmt: skip
        inserted += 2
        if (answer := wire.call("/Execute", {"sql": "SELECT 1/0"})).error != "DatabaseErrorException":
            wrong[f"division by zero: {answer}"] += 1
        calls += 1
    wire.close()
    return calls, wrong, inserted, number


def compare(url: str, dsn: str, calls: int) -> list[Timing]:
    """`SELECT 1`, one client: psycopg on an open connection, on a new one each time, and the Data API."""
    request = json.dumps({"resourceArn": CLUSTER_ARN, "secretArn": secret_arn(MASTER_SECRET), "sql": "SELECT 1"})
    with psycopg.connect(dsn, autocommit=True) as connection, _connected(url) as endpoint:
        signed = AWSRequest("POST", f"{url}/Execute", {"Content-Type": "application/json"}, request)
        SigV4Auth(Credentials(KEY.id, KEY.secret), "rds-data", REGION).add_auth(signed)
        headers = {"Host": url.removeprefix("http://"), "Content-Length": str(len(request)), **signed.headers}
        head = "".join(("POST /Execute HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in headers.items()), "\r\n"))

        def call() -> None:
            # http.client would take as long as the endpoint itself.
            endpoint.sendall((head + request).encode())
            assert b'"longValue":1' in endpoint.recv(65536)

        def fresh() -> None:
            with psycopg.connect(dsn, autocommit=True) as new:
                new.execute("SELECT 1").fetchone()

        return [
            _time("psycopg, an open connection", lambda: connection.execute("SELECT 1").fetchone(), calls),
            _time("psycopg, a connection a call", fresh, calls // 10),
            _time("Data API", call, calls),
        ]


def _time(name: str, call: Callable[[], object], calls: int) -> Timing:
    for _ in range(calls // 10):
        call()
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return Timing(name, calls / sum(times), statistics.median(times) * 1000)


def _connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _wire(url: str) -> Wire:
    return Wire(url, resourceArn=CLUSTER_ARN, secretArn=secret_arn(MASTER_SECRET), database=DATABASE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--calls", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="data-api-benchmark-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        process, url = start_endpoint(directory)
        try:
            port = AdminClient(url, KEY).status()["clusters"][0]["port"]
            password = (directory / "master.password").read_text()
            dsn = f"host=127.0.0.1 port={port} user={MASTER} password={password} dbname=postgres"
            timings = compare(url, dsn, arguments.calls)
            for timing in timings:
                ratio = timing.median / timings[0].median
                print(
                    f"{timing.name:30} p50 {timing.median:5.2f} ms {timing.rate:6.0f}/s {ratio:6.1f} times", flush=True
                )
            result = load(url, process.pid, clients=arguments.clients, seconds=arguments.seconds)
        finally:
            process.terminate()
            process.wait()
    before, after = (memory / MEGABYTE for memory in result.memory)
    rate = result.calls / result.seconds
    print(f"{arguments.clients} clients, {result.seconds:g} s: {result.calls} calls, {rate:.0f}/s")
    print(f"wrong answers: {dict(result.wrong) or 0}; open transactions: {result.open_transactions}")
    print(f"busy sessions: {result.sessions}; memory: {before:.0f} MB -> {after:.0f} MB")


if __name__ == "__main__":
    main()
