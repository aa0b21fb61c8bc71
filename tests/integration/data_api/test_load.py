"""The benchmark's load for a few seconds: no wrong answer, nothing left open."""

from __future__ import annotations

from benchmarks.data_api import MEGABYTE, ROUND, load
from tests.support.data_api_endpoint import Endpoint

CLIENTS = 64


def test_many_clients(endpoint: Endpoint) -> None:
    result = load(endpoint.url, endpoint.pid, clients=CLIENTS, seconds=5)
    assert result.wrong == {}
    assert (result.open_transactions, result.sessions) == (0, 0)
    assert result.calls >= CLIENTS * ROUND
    before, after = result.memory
    assert after - before < 64 * MEGABYTE
