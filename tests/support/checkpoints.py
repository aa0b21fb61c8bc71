"""Checkpoints as a graph would put them, every operation of the saver, and what the tables hold of a user."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, empty_checkpoint

from stchat.langgraph import DataApiSaver
from tests.support.migrated_database import MigratedDatabase

TABLES = {  # a table, and the columns that differ between two users with the same states
    "st_chat_thread": ("primarykey", "userid"),
    "st_chat_checkpoint": ("thread", "userid"),
    "st_chat_checkpoint_blob": ("thread", "userid"),
    "st_chat_checkpoint_write": ("thread", "userid"),
    "st_chat_state": ("userid", "updated_at"),
    "st_chat_upload": ("userid",),
}


def checkpoint(number: int, **values: Any) -> Checkpoint:
    """Its id sorts by its number; the channels have that number as their version."""
    found = empty_checkpoint()
    found["id"] = f"{number:06d}"
    found["channel_values"] = values
    found["channel_versions"] = dict.fromkeys(values, f"{number:06d}")
    return found


def at(thread: str, number: int | None = None, namespace: str = "") -> RunnableConfig:
    named: dict[str, Any] = {"thread_id": thread, "checkpoint_ns": namespace}
    return {"configurable": named if number is None else named | {"checkpoint_id": f"{number:06d}"}}


def values(found: CheckpointTuple | None) -> dict[str, Any]:
    assert found is not None
    return found.checkpoint["channel_values"]


def dump(migrated: MigratedDatabase, userid: str) -> dict[str, list[str]]:
    """All that the tables hold of a user, as their owner sees it."""
    found = {}
    for table, columns in TABLES.items():
        apart = "".join(f" - '{column}'" for column in columns)
        sql = f"SELECT md5((to_jsonb(t){apart})::text) AS row FROM {table} AS t WHERE userid = :userid ORDER BY 1"
        found[table] = [row["row"] for row in migrated.master.execute(sql, {"userid": userid}).rows]
    return found


Step = Callable[[DataApiSaver], object]
STATE = os.urandom(10_000)
LARGE = os.urandom(5_000_000)
DELTAS: Any = {"step": 1, "counters_since_delta_snapshot": {"d": (1, 1)}}

# What is done in this order, each in one call.
OPERATIONS: dict[str, Step] = {
    "put": lambda saver: saver.put(at("t"), checkpoint(1, a=STATE, d=[]), {"step": 0}, {"a": "000001", "d": "000001"}),
    "put the next": lambda saver: saver.put(
        at("t", 1), checkpoint(2, a=1) | {"channel_versions": {"a": "000002", "d": "x"}}, DELTAS, {"a": "000002"}
    ),
    "put_writes": lambda saver: saver.put_writes(at("t", 1), [("d", [1]), ("__error__", "no"), ("a", STATE)], "task"),
    "put them again": lambda saver: saver.put_writes(at("t", 1), [("d", [2]), ("__error__", "yes")], "task", "path"),
    "get_tuple": lambda saver: saver.get_tuple(at("t")),
    "list": lambda saver: [*saver.list(at("t"), limit=40)],
    "history": lambda saver: saver.get_delta_channel_history(config=at("t"), channels=["d"]),
    "copy_thread": lambda saver: saver.copy_thread("t", "u"),
    "put a third": lambda saver: saver.put(at("u", 2), checkpoint(3, a=2), {"run_id": "r"}, {"a": "000003"}),
    "expire": lambda saver: saver.expire("u", None),
    "prune": lambda saver: saver.prune(["t", "u", "v"]),
    "delete_for_runs": lambda saver: saver.delete_for_runs(["r", "s"]),
    "copy it back": lambda saver: saver.copy_thread("t", "v"),
    "delete_thread": lambda saver: saver.delete_thread("v"),
}


def put_and_read(saver: DataApiSaver, data: bytes) -> None:
    saver.put(at("t"), checkpoint(1, a=data), {}, {"a": "000001"})
    saver.put_writes(at("t", 1), [("a", data), ("b", b"")], "task")
    assert values(saver.get_tuple(at("t"))) == {"a": data}
