"""ChatMemoryStore in Strands' agents: what one of them adds, another one finds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

import pytest
from strands import Agent
from strands.memory import MemoryManager, MemoryStore
from strands.models import Model
from strands.types.content import Messages
from strands.types.streaming import StreamEvent

from stchat.chat import ChatMemory, CohereEmbedder
from stchat.errors import InputError
from stchat.strands import ChatMemoryStore
from tests.support.migrated_database import MigratedDatabase


class Scripted(Model):
    """Answers what the script says, and keeps what it was asked."""

    def __init__(self, *script: dict[str, Any]) -> None:
        self.script, self.asked = [*script], list[Messages]()

    def update_config(self, **model_config: Any) -> None: ...

    def get_config(self) -> dict[str, Any]:
        return {}

    def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[dict[str, Any], None]:
        raise NotImplementedError

    async def stream(self, messages: Messages, *_: Any, **__: Any) -> AsyncIterable[StreamEvent]:
        self.asked.append(messages)
        step = self.script.pop(0)
        yield {"messageStart": {"role": "assistant"}}
        if "tool" in step:
            yield {"contentBlockStart": {"start": {"toolUse": {"name": step["tool"], "toolUseId": "1"}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps(step["input"])}}}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": step["text"]}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if "tool" in step else "end_turn"}}


def agent(store: MemoryStore, *script: dict[str, Any]) -> tuple[Agent, Scripted]:
    model = Scripted(*script)
    return Agent(model=model, memory_manager=MemoryManager([store], add_tool_config=True), callback_handler=None), model


@pytest.fixture
def remembered(migrated: MigratedDatabase, embedder: CohereEmbedder) -> ChatMemory:
    return ChatMemory(migrated.app, embedder)


def test_an_agent_remembers_what_another_added(remembered: ChatMemory, user: str) -> None:
    fact = "Hana likes lentil soup with lemon"
    first, _ = agent(
        ChatMemoryStore(remembered, user), {"tool": "add_memory", "input": {"entries": [fact]}}, {"text": "I shall."}
    )
    assert str(first("Remember that I like lentil soup with lemon")).strip() == "I shall."

    second, model = agent(
        ChatMemoryStore(remembered, user), {"tool": "search_memory", "input": {"query": "soup"}}, {"text": "Lentil."}
    )
    second("Which soup do I like?")
    assert f'<entry source="memory">{fact}</entry>' in json.dumps(model.asked[0]).replace('\\"', '"')  # injected
    [result] = [block["toolResult"] for block in model.asked[1][-1]["content"] if "toolResult" in block]
    assert fact in json.dumps(result["content"])

    stranger, model = agent(ChatMemoryStore(remembered, f"other {user}"), {"text": "I do not know."})
    stranger("Which soup do I like?")
    assert fact not in json.dumps(model.asked)


def test_search_and_add(remembered: ChatMemory, user: str) -> None:
    async def run() -> None:
        store = ChatMemoryStore(remembered, user, max_search_results=2)
        assert await store.add("likes lentil soup", {"season": "winter"})
        assert not await store.add("likes lentil soup", {"season": "winter"})
        for number in range(3):
            await store.add(f"walked along the river on day {number}")
        remembered.remember(user, "the application's", 1, "wants to see Kyoto")
        [best] = await store.search("which soup?", {"max_search_results": 1})
        assert best.content == "likes lentil soup"
        assert best.metadata and best.metadata["season"] == "winter" and best.metadata["theme"] == "agent"
        json.dumps(best.metadata)  # a tool's result
        assert len(await store.search("river")) == 2
        assert await store.search(" ") == []
        assert len(await store.search("river", {"max_search_results": 1_000})) == 4
        everywhere = ChatMemoryStore(remembered, user, everywhere=True)
        assert (await everywhere.search("Kyoto"))[0].content == "wants to see Kyoto"
        with pytest.raises(InputError, match="content must not be blank"):
            await store.add("")

    asyncio.run(run())
