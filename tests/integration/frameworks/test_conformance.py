"""LangGraph's own suite for checkpointers: every capability, every test, over both transports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

from stchat.data_api import Database
from stchat.langgraph import DataApiSaver


def test_8_of_8_and_81_of_81(database_of_states: Database, user: str) -> None:
    @checkpointer_test(name="DataApiSaver")
    async def made() -> AsyncGenerator[BaseCheckpointSaver[str], None]:
        yield DataApiSaver(database_of_states, user)

    report = asyncio.run(validate(made))
    results = report.results.values()
    assert [failure for result in results for failure in result.failures] == []
    assert (len(results), sum(result.tests_passed for result in results)) == (8, 81)
    assert all(result.detected and result.passed for result in results)
