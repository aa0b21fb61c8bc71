"""Checkpoints as a graph would put them, and what the tables hold of a user."""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, empty_checkpoint

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
