"""Real graphs: what they answer here is what they answer with LangGraph's InMemorySaver, before and after `prune`."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from stchat.data_api import Database
from stchat.langgraph import DataApiSaver

Graph = CompiledStateGraph[Any, Any, Any, Any]
THREAD: RunnableConfig = {"configurable": {"thread_id": "t"}}


def extend(state: list[str], writes: Sequence[list[str]]) -> list[str]:
    return [*state, *(one for write in writes for one in write)]


class Plain(TypedDict):
    turns: Annotated[list[str], operator.add]
    count: int


class Delta(TypedDict):
    turns: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=4)]
    notes: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=1000)]
    count: int


def graph_of(state: type, saver: BaseCheckpointSaver[str]) -> Graph:
    """Two nodes that run side by side, and one after both."""

    def left(state: Any) -> dict[str, Any]:
        return {"turns": [f"left {len(state['turns'])}"], "count": state.get("count", 0) + 1}

    def right(state: Any) -> dict[str, Any]:
        return {"turns": [f"right {len(state['turns'])}"]} | (
            {"notes": [f"note {state['count']}"]} if "notes" in state and state.get("count", 0) % 2 else {}
        )

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(state)
    builder.add_node("left", left)
    builder.add_node("right", right)
    builder.add_node("last", lambda state: {"turns": [f"last {len(state['turns'])}"]})
    builder.add_edge(START, "left")
    builder.add_edge(START, "right")
    builder.add_edge(["left", "right"], "last")
    builder.add_edge("last", END)
    return builder.compile(checkpointer=saver)


def comparable(values: Any, graph: Graph) -> Any:
    """The state, and the history without what two runs cannot share: ids and times."""
    history = [(one.values, one.next, one.metadata and one.metadata["step"]) for one in graph.get_state_history(THREAD)]
    return values, history


@pytest.fixture
def twins(database_of_states: Database, user: str) -> tuple[DataApiSaver, InMemorySaver]:
    return DataApiSaver(database_of_states, user), InMemorySaver()


@pytest.mark.parametrize("state", [Plain, Delta])
def test_turns_history_and_a_branch(twins: tuple[DataApiSaver, InMemorySaver], state: type) -> None:
    answers = []
    for saver in twins:
        graph = graph_of(state, saver)
        for number in range(5):
            graph.invoke({"turns": [f"input {number}"]}, THREAD)
        found = [comparable(graph.get_state(THREAD).values, graph)]
        history = [*graph.get_state_history(THREAD)]
        branch = graph.update_state(history[7].config, {"turns": ["another"]})
        found.append(graph.get_state(branch).values)
        found.append(graph.invoke(None, branch))
        found.append(graph.invoke({"turns": ["more"]}, THREAD))
        answers.append(found)
    assert answers[0] == answers[1]


def test_an_interrupt_is_resumed_by_another_process(twins: tuple[DataApiSaver, InMemorySaver]) -> None:
    def ask(state: Plain) -> dict[str, Any]:
        return {"turns": [f"answer {interrupt('which?')} to {state['turns'][-1]}"]}

    answers = []
    for saver in twins:

        def build(saver: BaseCheckpointSaver[str] = saver) -> Graph:
            builder = StateGraph(Plain)
            builder.add_node("ask", ask)
            builder.add_edge(START, "ask")
            return builder.compile(checkpointer=saver)

        asked = build().invoke({"turns": ["question"]}, THREAD)
        again = DataApiSaver(saver.api, saver.userid) if isinstance(saver, DataApiSaver) else saver
        waiting = build(again).get_state(THREAD)
        answers.append(
            (asked["__interrupt__"][0].value, waiting.next, build(again).invoke(Command(resume="red"), THREAD)["turns"])
        )
    assert answers[0] == answers[1] == ("which?", ("ask",), ["question", "answer red to question"])


@pytest.mark.parametrize("durability", ["async", "sync", "exit"])
def test_prune_loses_nothing_of_delta_channels(twins: tuple[DataApiSaver, InMemorySaver], durability: Any) -> None:
    """At each length of the chain; what is kept never grows beyond a snapshot's distance, except for `notes`, whose
    snapshot is far away."""
    ours, theirs = twins
    pruned, whole = graph_of(Delta, ours), graph_of(Delta, theirs)
    for number in range(12):
        for graph in (pruned, whole):
            graph.invoke({"turns": [f"input {number}"]}, THREAD, durability=durability)
        ours.prune(["t"])
        assert pruned.get_state(THREAD).values == whole.get_state(THREAD).values
    assert len(pruned.get_state(THREAD).values["turns"]) == 12 * 4
    assert len(pruned.get_state(THREAD).values["notes"]) == 6


def test_prune_of_a_plain_graph_keeps_one_checkpoint(twins: tuple[DataApiSaver, InMemorySaver]) -> None:
    saver = twins[0]
    graph = graph_of(Plain, saver)
    graph.invoke({"turns": ["a"]}, THREAD)
    before = graph.get_state(THREAD).values
    saver.prune(["t"])
    assert [one.values for one in graph.get_state_history(THREAD)] == [before]
    assert next(saver.list(THREAD)).parent_config is None
    assert graph.invoke({"turns": ["b"]}, THREAD)["count"] == 2


def test_prune_after_a_delta_channel_became_a_plain_one(twins: tuple[DataApiSaver, InMemorySaver]) -> None:
    """No later checkpoint says that it was one."""

    class Changed(TypedDict):
        turns: Annotated[list[str], operator.add]
        notes: Annotated[list[str], operator.add]
        count: int

    ours, theirs = twins
    for saver in twins:
        for number in range(3):
            graph_of(Delta, saver).invoke({"turns": [f"input {number}"]}, THREAD)
    for _ in range(2):
        for saver in twins:
            graph_of(Changed, saver).invoke({"turns": ["later"]}, THREAD)
        ours.prune(["t"])
        assert graph_of(Changed, ours).get_state(THREAD).values == graph_of(Changed, theirs).get_state(THREAD).values


def test_async_and_sync_are_one_thread(twins: tuple[DataApiSaver, InMemorySaver]) -> None:
    graph = graph_of(Delta, twins[0])

    async def run() -> list[Any]:
        await graph.ainvoke({"turns": ["a"]}, THREAD)
        return [one.values["turns"] async for one in graph.aget_state_history(THREAD)]

    history = asyncio.run(run())
    assert history == [one.values["turns"] for one in graph.get_state_history(THREAD)]
    assert history[0] == ["a", "left 1", "right 1", "last 3"]
