"""Checkpoints as the database answers them (sql/st_chat_db/0035, 0036): a JSON head, then the data of each item."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from langgraph.checkpoint.base import (
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    PendingWrite,
    writes_sort_key,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from stchat.langgraph.threads import config_of

Value = tuple[str, bytes]


def _items(whole: bytes, *kinds: str) -> Iterator[tuple[str, list[Any], Value]]:
    """Each item: its kind, its head, its type and data."""
    head, start = _head(whole), _start(whole)
    for kind in kinds:
        for *item, of, size in head[kind]:
            yield kind, item, (of, whole[start : start + size])
            start += size


def _start(whole: bytes) -> int:
    return 4 + int.from_bytes(whole[:4], "big")


def _head(whole: bytes) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(whole[4 : _start(whole)])
    return head


class Page:
    """`last`: where the next page goes on, None if there is none."""

    def __init__(self, whole: bytes, serde: SerializerProtocol) -> None:
        self._serde = serde
        self.last: list[Any] | None = _head(whole)["last"]
        self._checkpoints: list[tuple[list[Any], Value]] = []
        self._blobs: dict[tuple[Any, ...], Value] = {}
        self._writes: dict[tuple[Any, ...], list[tuple[tuple[str, str, int], str, Value]]] = defaultdict(list)
        for kind, item, value in _items(whole, "checkpoints", "blobs", "writes"):
            if kind == "checkpoints":
                self._checkpoints.append((item, value))
            elif kind == "blobs":
                self._blobs[tuple(item)] = value
            else:
                thread, namespace, id, path, task, idx, channel = item
                self._writes[thread, namespace, id].append((writes_sort_key(path, task, idx), channel, value))

    def __len__(self) -> int:
        return len(self._checkpoints)

    def tuples(self) -> Iterator[CheckpointTuple]:
        for (thread, namespace, id, thread_id, parent), value in self._checkpoints:
            body, metadata = self._serde.loads_typed(value)
            found = {
                channel: self._blobs[thread, namespace, channel, str(version)]
                for channel, version in body["channel_versions"].items()
                if (thread, namespace, channel, str(version)) in self._blobs
            }
            values = {channel: self._serde.loads_typed(blob) for channel, blob in found.items()}
            writes = sorted(self._writes[thread, namespace, id], key=lambda write: write[0])
            yield CheckpointTuple(
                config=config_of(thread_id, namespace, id),
                checkpoint=cast(Checkpoint, {**body, "channel_values": values}),
                metadata=cast(CheckpointMetadata, metadata),
                parent_config=config_of(thread_id, namespace, parent) if parent else None,
                pending_writes=[(key[1], channel, self._serde.loads_typed(one)) for key, channel, one in writes],
            )


def histories(whole: bytes, channels: list[str], serde: SerializerProtocol) -> dict[str, DeltaChannelHistory]:
    """Of each channel: the value of its nearest ancestor that has one, and what was written since, oldest first."""
    found: dict[str, DeltaChannelHistory] = {channel: {"writes": []} for channel in channels}
    writes: list[tuple[tuple[int, tuple[str, str, int]], PendingWrite]] = []
    for kind, item, value in _items(whole, "blobs", "writes"):
        if kind == "blobs":
            found[item[0]]["seed"] = serde.loads_typed(value)
        else:
            step, path, task, idx, channel = item
            writes.append(((-step, writes_sort_key(path, task, idx)), (task, channel, serde.loads_typed(value))))
    for _, write in sorted(writes, key=lambda one: one[0]):
        found[write[1]]["writes"].append(write)
    return found
