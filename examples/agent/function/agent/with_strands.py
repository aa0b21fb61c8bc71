"""An agent whose messages carry its memories, with tools to search and to add; its session is the thread's."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any
from uuid import uuid4

from strands import Agent
from strands.memory import MemoryManager
from strands.models import BedrockModel, Model
from strands.session import SnapshotSessionManager
from strands.types.content import Messages
from strands.types.event_loop import StopReason
from strands.types.streaming import StreamEvent

from stchat.strands import ChatMemoryStore, StateStorage

from .script import reply, to_remember
from .settings import INSTRUCTIONS, MEMORY, MODEL, THREADS_EXPIRE_AFTER

# What MemoryManager adds to the user's message.
_INJECTED = "<memory>"
_ENTRY = re.compile(r"<entry[^>]*>(.*?)</entry>", re.DOTALL)


def answer(userid: str, thread: str, text: str) -> str:
    agent = Agent(
        model=BedrockModel(model_id=MODEL, streaming=False) if MODEL else ScriptedModel(),
        system_prompt=INSTRUCTIONS,
        agent_id="assistant",
        session_manager=SnapshotSessionManager(
            thread, storage=StateStorage(MEMORY.api, userid, expires_after=THREADS_EXPIRE_AFTER)
        ),
        memory_manager=MemoryManager([ChatMemoryStore(MEMORY, userid)], add_tool_config=True),
        callback_handler=None,  # the default prints what is said, into the log
    )
    return str(agent(text)).strip()


class ScriptedModel(Model):
    """Calls add_memory for "Remember ..."; any other text it answers by what the messages carry."""

    def update_config(self, **model_config: Any) -> None: ...

    def get_config(self) -> dict[str, Any]:
        return {}

    def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[dict[str, Any], None]:
        raise NotImplementedError

    async def stream(self, messages: Messages, *_: Any, **__: Any) -> AsyncIterable[StreamEvent]:
        texts = [block["text"].strip() for each in messages if each["role"] == "user" for block in each["content"]
                 if "text" in block]  # fmt: skip
        said = [text for text in texts if not text.startswith(_INJECTED)]
        fact = to_remember(said[-1])
        yield {"messageStart": {"role": "assistant"}}
        if fact and "toolResult" not in messages[-1]["content"][0]:
            yield {"contentBlockStart": {"start": {"toolUse": {"name": "add_memory", "toolUseId": uuid4().hex}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps({"entries": [fact]})}}}}
            reason: StopReason = "tool_use"
        else:
            memories = [html.unescape(entry) for entry in _ENTRY.findall("".join(texts[-1:]))]
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": reply(said, memories)}}}
            reason = "end_turn"
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": reason}}
