"""A checkpointer of LangGraph: the threads of one user, or of none."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from stchat.aio import in_thread
from stchat.data_api import Database
from stchat.langgraph.sync import SyncSaver
from stchat.langgraph.threads import Walk
from stchat.state import database_from_env


class DataApiSaver(SyncSaver):
    """Each operation is one call of `api`, a DataApi or a Postgres, idempotent; several, in one transaction, only where
    a state is over the limits of one. Errors are those of `stchat.errors`. The async methods are the others in threads.

    Args:
        userid: whose threads: no other user's are seen. None: all threads have one owner, `stchat.state.SHARED`.
        expires_after: a thread expires that long after it was last written. None: never, or when `expire` says.
        serde: LangGraph's own unless given: msgpack, without pickle.
        threads: where the async methods run; by default the 32 that `stchat.aio` has for the process.
    """

    def __init__(
        self,
        api: Database,
        userid: str | None = None,
        *,
        expires_after: timedelta | None = None,
        serde: SerializerProtocol | None = None,
        threads: Executor | None = None,
    ) -> None:
        super().__init__(api, userid, expires_after, serde)
        self._threads = threads

    @classmethod
    def from_env(
        cls,
        userid: str | None = None,
        *,
        expires_after: timedelta | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> DataApiSaver:
        """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN and STCHAT_DATABASE."""
        return cls(database_from_env(environment), userid, expires_after=expires_after)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await in_thread(self._threads, self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        walk = Walk.of(config, filter, before, limit)
        while walk.limit:
            for one in await in_thread(self._threads, self._next, walk):
                yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await in_thread(self._threads, self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await in_thread(self._threads, self.put_writes, config, writes, task_id, task_path)

    async def aexpire(self, thread_id: str, after: timedelta | None) -> bool:
        return await in_thread(self._threads, self.expire, thread_id, after)

    async def adelete_thread(self, thread_id: str) -> None:
        await in_thread(self._threads, self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        await in_thread(self._threads, self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        await in_thread(self._threads, self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        await in_thread(self._threads, self.prune, thread_ids, strategy=strategy)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        return await in_thread(self._threads, self.get_delta_channel_history, config=config, channels=channels)
