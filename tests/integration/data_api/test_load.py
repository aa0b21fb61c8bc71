"""The benchmark's load for a few seconds: no wrong answer, nothing left open."""

from __future__ import annotations

from benchmarks.data_api import MEGABYTE, load
from tests.integration.conftest import Endpoint


def test_many_clients(endpoint: Endpoint) -> None:
    result = load(endpoint.url, endpoint.pid, clients=64, seconds=5)
    assert result.wrong == {}
    assert (result.open_transactions, result.sessions) == (0, 0)
    assert result.calls > 500
    before, after = result.memory
    assert after - before < 64 * MEGABYTE
