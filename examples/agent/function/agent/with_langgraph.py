"""A graph of three nodes: recall, answer, remember. Its state is the thread's, its store has the user's memories."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import boto3
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime

from stchat.langgraph import DataApiSaver, DataApiStore

from .script import reply, to_remember
from .settings import INSTRUCTIONS, MEMORY, MODEL, THREADS_EXPIRE_AFTER

STORE = DataApiStore(MEMORY, fields=["text"])
RECALLED = 3


@dataclass
class User:
    id: str

    @property
    def namespace(self) -> tuple[str, str]:
        """Whose first label is the user: row security keeps it apart from the others'."""
        return (self.id, "told")


class State(MessagesState):
    memories: list[str]


def recall(state: State, runtime: Runtime[User]) -> dict[str, Any]:
    found = STORE.search(runtime.context.namespace, query=_last(state), limit=RECALLED)
    return {"memories": [item.value["text"] for item in found]}


def answer_by_model(state: State) -> dict[str, Any]:
    if MODEL is None:
        texts = [str(message.content) for message in state["messages"] if message.type == "human"]
        return {"messages": [("ai", reply(texts, state["memories"]))]}
    recalled = "\n".join(f"- {memory}" for memory in state["memories"])
    bedrock: Any = boto3.client("bedrock-runtime")
    said = bedrock.converse(
        modelId=MODEL, system=[{"text": f"{INSTRUCTIONS}\n{recalled}"}], messages=_alternating(state["messages"])
    )
    return {"messages": [("ai", "".join(part.get("text", "") for part in said["output"]["message"]["content"]))]}


def remember(state: State, runtime: Runtime[User]) -> None:
    text = next(str(message.content) for message in reversed(state["messages"]) if message.type == "human")
    if fact := to_remember(text):
        STORE.put(runtime.context.namespace, hashlib.sha256(fact.encode()).hexdigest(), {"text": fact})


def answer(userid: str, thread: str, text: str) -> str:
    saver = DataApiSaver(MEMORY.api, userid, expires_after=THREADS_EXPIRE_AFTER)
    graph = BUILDER.compile(checkpointer=saver)
    state = graph.invoke(
        {"messages": [HumanMessage(text)], "memories": []},
        {"configurable": {"thread_id": thread}},
        context=User(userid),
        durability="exit",  # one checkpoint an invocation
    )
    return str(state["messages"][-1].content)


def _last(state: State) -> str:
    return str(state["messages"][-1].content)


def _alternating(messages: list[AnyMessage]) -> list[dict[str, Any]]:
    """As Converse wants them: texts of one role that follow each other (a run that failed leaves such) are one."""
    return [
        {"role": "assistant" if kind == "ai" else "user", "content": [{"text": str(each.content)} for each in group]}
        for kind, group in groupby(messages, key=lambda message: message.type)
    ]


BUILDER = StateGraph(State, context_schema=User)
BUILDER.add_node("recall", recall)
BUILDER.add_node("answer", answer_by_model)
BUILDER.add_node("remember", remember)
BUILDER.add_edge(START, "recall")
BUILDER.add_edge("recall", "answer")
BUILDER.add_edge("answer", "remember")
BUILDER.add_edge("remember", END)
