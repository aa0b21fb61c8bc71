"""The checkpointer's operations, without asyncio: each is a function of the database (sql/st_chat_db/0035, 0036)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from stchat.chat import validation
from stchat.data_api import Database, Row, to_json
from stchat.errors import InputError
from stchat.langgraph import threads
from stchat.langgraph.stored import Page, histories
from stchat.langgraph.threads import Place, Walk
from stchat.state import Upload, owner, received, seconds_of, send

PRUNED = 100  # threads of one call of `prune`

_PUT = "SELECT st_chat_put_checkpoint(:userid, :item::jsonb, :data::bytea) AS swept"
_PUT_WRITES = "SELECT st_chat_put_writes(:userid, :item::jsonb, :data::bytea) AS written"
_READ = "SELECT part, data FROM st_chat_parts(st_chat_checkpoints(:userid, :query::jsonb))"
_HISTORY = "SELECT part, data FROM st_chat_parts(st_chat_delta_history(:userid, :query::jsonb))"
_EXPIRE = "SELECT st_chat_expire_thread(:userid, :thread_id, :seconds::float8) AS found"
_DELETE = "SELECT st_chat_delete_threads(:userid, :thread_ids::jsonb) AS deleted"
_DELETE_RUNS = "SELECT st_chat_delete_runs(:userid, :run_ids::jsonb) AS deleted"
_COPY = "SELECT st_chat_copy_thread(:userid, :source, :target, :seconds::float8) AS copied"
_PRUNE = "SELECT st_chat_prune_threads(:userid, :thread_ids::jsonb) AS deleted"


class SyncSaver(BaseCheckpointSaver[str]):
    """What `DataApiSaver` is made of: its documentation is there."""

    def __init__(
        self, api: Database, userid: str | None, expires_after: timedelta | None, serde: SerializerProtocol | None
    ) -> None:
        super().__init__(serde=serde)
        self.api = api
        self.userid = owner(userid)
        self._seconds = seconds_of(expires_after)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return next(self._page(Place.of(config).json | {"limit": 1}).tuples(), None)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Newest first, 50 checkpoints a call, or as many as fit one. `filter`: entries that the metadata has."""
        walk = Walk.of(config, filter, before, limit)
        while walk.limit:
            yield from self._next(walk)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        place, upload = Place.of(config), Upload()
        entries: dict[str, Any] = dict(get_serializable_checkpoint_metadata(config, metadata))
        values = checkpoint["channel_values"]
        body = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        stored = upload.add(*self.serde.dumps_typed([body, entries]))
        run_id = entries.get("run_id")
        item = place.json | {
            "id": threads.name_of(checkpoint["id"]),
            "parent": place.id,
            "run_id": None if run_id is None else validation.name("run_id", str(run_id)),
            "versions": {_channel(name): str(version) for name, version in checkpoint["channel_versions"].items()},
            "deltas": [_channel(name) for name in entries.get("counters_since_delta_snapshot") or ()],
            "metadata": threads.filterable(entries),
            "type": stored["type"],
            "size": stored["size"],
            "blobs": [
                {"channel": _channel(name), "version": str(version)} | upload.add(*self.serde.dumps_typed(values[name]))
                for name, version in new_versions.items()
                if name in values
            ],
            "seconds": self._seconds,
        }
        send(self.api, _PUT, {"userid": self.userid, "item": to_json(item)}, upload.data)
        return threads.config_of(place.thread_id, place.namespace, item["id"])

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        place, upload = Place.of(config), Upload()
        if place.id is None:
            raise InputError("checkpoint_id", "be given", "none", "name the checkpoint that the writes come after")
        last = {WRITES_IDX_MAP.get(channel, idx): (channel, value) for idx, (channel, value) in enumerate(writes)}
        item = place.json | {
            "task": validation.name("task_id", task_id),
            "path": validation.text("task_path", task_path),
            "writes": [
                {"idx": idx, "channel": _channel(channel)} | upload.add(*self.serde.dumps_typed(value))
                for idx, (channel, value) in last.items()
            ],
            "seconds": self._seconds,
        }
        if last:
            send(self.api, _PUT_WRITES, {"userid": self.userid, "item": to_json(item)}, upload.data)

    def expire(self, thread_id: str, after: timedelta | None) -> bool:
        """Let a thread expire that long from now; None: never. False: there is no such thread.

        A saver with `expires_after` sets it anew when it writes.
        """
        named = {"thread_id": threads.thread_id(thread_id), "seconds": seconds_of(after)}
        return bool(self._ask(_EXPIRE, named)["found"])

    def delete_thread(self, thread_id: str) -> None:
        self._ask(_DELETE, {"thread_ids": to_json([threads.thread_id(thread_id)])})

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """The checkpoints whose metadata has one of these as `run_id`, with their writes. Delta channels of later ones
        lose what was written in these."""
        if run_ids:
            self._ask(_DELETE_RUNS, {"run_ids": to_json([validation.name("run_id", str(one)) for one in run_ids])})

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """All of it. What the target has already stays."""
        source, target = threads.thread_id(source_thread_id), threads.thread_id(target_thread_id)
        self._ask(_COPY, {"source": source, "target": target, "seconds": self._seconds})

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """`keep_latest`: the newest checkpoint of each namespace stays, and the ancestors from which its delta channels
        are rebuilt. `delete`: nothing stays."""
        if strategy not in ("keep_latest", "delete"):
            raise InputError("strategy", "be 'keep_latest' or 'delete'", validation.describe(strategy))
        names = [threads.thread_id(one) for one in thread_ids]
        for start in range(0, len(names), PRUNED):
            some = to_json(names[start : start + PRUNED])
            self._ask(_PRUNE if strategy == "keep_latest" else _DELETE, {"thread_ids": some})

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """The walk along the ancestors is the database's: one call, however many there are."""
        if not channels:
            return {}
        query = Place.of(config).json | {"channels": [*channels]}
        whole = received(self.api, _HISTORY, {"userid": self.userid, "query": to_json(query)})
        return histories(whole, [*channels], self.serde)

    def get_next_version(self, current: str | float | None, channel: None) -> str:  # noqa: ARG002
        """A number that grows, and a random one: two branches of a thread never share a version."""
        number = 0 if current is None else int(str(current).partition(".")[0])
        return f"{number + 1:016d}.{random.getrandbits(48):012x}"

    def _next(self, walk: Walk) -> Sequence[CheckpointTuple]:
        """The next page."""
        found = self._page(walk.query)
        walk.passed(len(found), found.last)
        return [*found.tuples()]

    def _page(self, query: Mapping[str, Any]) -> Page:
        return Page(received(self.api, _READ, {"userid": self.userid, "query": to_json(query)}), self.serde)

    def _ask(self, sql: str, parameters: Mapping[str, Any]) -> Row:
        [row] = self.api.execute(sql, {"userid": self.userid, **parameters}, idempotent=True).rows
        return row


def _channel(name: str) -> str:
    return validation.name("channel", name)
