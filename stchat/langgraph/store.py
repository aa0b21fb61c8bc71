"""LangGraph's BaseStore over the memories of the chat."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Literal, cast

from langgraph.store.base import BaseStore, GetOp, ListNamespacesOp, Op, PutOp, Result, SearchOp, TTLConfig

from stchat.aio import in_thread
from stchat.chat import ChatMemory, to_text
from stchat.data_api import Backoff, Row, query, to_json
from stchat.errors import InputError
from stchat.langgraph.items import items, labels, plain, reading, writing

REQUEST_BYTES = 4_000_000  # of operations, as they are in the request, of which the Data API takes 4 MiB

_READ = """
SELECT op, place, part, namespace, key, value, created_at, updated_at, score FROM st_chat_store_read(:ops::jsonb)"""
_WRITE = "SELECT st_chat_store_write(:items::jsonb) AS written"


class DataApiStore(BaseStore):
    """Items under a namespace whose first label is the user: row security keeps each operation to its user's rows.

    A batch is one call of the database for what it reads, and then one for what it writes, whatever the number of
    operations and users; more only over 4 MB. As InMemoryStore's, its reads see what was there before it, and of two
    writes of a key the last one counts. Each operation is idempotent, and retried as `ChatMemory`'s.

    Args:
        memory: where items are kept, and by whose model they are found.
        fields: what of a value is searched by, as IndexConfig's `fields`: its texts together are the summary of one
            memory, which `ChatMemory.recall` finds too. `("$",)`: all of it. None: nothing, a query has no effect, and
            the model is never called.
        ttl: TTLConfig. What has expired is never returned (`omit_expired`), and deleted beside later writes
            (`sweep_interval_minutes` has no effect). None: `memory.expires_after` counts from each write.
        mode: how a query searches, as in `ChatMemory.recall`.
        threads: where async calls run; by default those of `stchat.aio`.
    """

    supports_ttl = True

    def __init__(
        self,
        memory: ChatMemory,
        *,
        fields: Sequence[str] | None = ("$",),
        ttl: TTLConfig | None = None,
        mode: Literal["hybrid", "semantic"] = "hybrid",
        threads: Executor | None = None,
    ) -> None:
        if mode not in ("hybrid", "semantic"):
            raise InputError("mode", "be hybrid or semantic", repr(mode))
        self.memory = memory
        self.fields = None if fields is None else [*fields]
        self.ttl_config = ttl if ttl is not None else _default_ttl(memory)
        self.mode = mode
        self.threads = threads

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ, **options: Any) -> DataApiStore:
        """As `ChatMemory.from_env`; `options` are the arguments of this class."""
        return cls(ChatMemory.from_env(environment), **options)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Raises InputError, or LangGraph's InvalidNamespaceError, before anything is sent."""
        asked = list(ops)
        reads: dict[int, dict[str, Any]] = {}
        writes: dict[tuple[tuple[str, ...], str], dict[str, Any]] = {}
        for index, op in enumerate(asked):
            if isinstance(op, PutOp):
                writes[tuple(op.namespace), op.key] = writing(op, self.fields)
            elif isinstance(op, GetOp | SearchOp | ListNamespacesOp):
                reads[index] = reading(op) | {"op": index}
            else:
                raise InputError("ops", "be GetOp, SearchOp, PutOp or ListNamespacesOp", type(op).__name__)
        for place, item in enumerate(writes.values(), 1):
            item["place"] = place
        backoff = Backoff(self.memory.api.timeout)
        self._embed_queries(asked, reads, backoff)
        self._embed_items([*writes.values()], backoff)
        rows = self._read([*reads.values()], backoff)
        self._write([*writes.values()], backoff)
        return [_result(op, reads.get(index, {}), rows.get(index, [])) for index, op in enumerate(asked)]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await in_thread(self.threads, self.batch, list(ops))

    def with_timeout(self, seconds: float) -> DataApiStore:
        """The same, whose batches wait that long at most for what is paused or busy."""
        memory = self.memory.with_timeout(seconds)
        return DataApiStore(memory, fields=self.fields, ttl=self.ttl_config, mode=self.mode, threads=self.threads)

    def _embed_queries(self, ops: Sequence[Op], reads: dict[int, dict[str, Any]], backoff: Backoff) -> None:
        vectors: dict[str, str] = {}
        for index, read in reads.items():
            text = cast("SearchOp", ops[index]).query if read["kind"] == "search" else None
            if text is None or not text.strip() or self.fields is None:
                continue
            if text not in vectors:
                vectors[text] = to_text(self.memory.embedder.with_timeout(backoff.left).query(text))
            read |= {"vector": vectors[text], "text": text if self.mode == "hybrid" else None, "mode": self.mode}
            read["model"] = self.memory.embedder.model

    def _embed_items(self, writes: Sequence[dict[str, Any]], backoff: Backoff) -> None:
        indexed = [item for item in writes if "summary" in item]
        if indexed:
            texts = [item["summary"] for item in indexed]
            embedded = self.memory.embedder.with_timeout(backoff.left).documents(texts)
            for item, vector in zip(indexed, embedded.vectors, strict=True):
                item |= {"vector": to_text(vector), "model": self.memory.embedder.model}

    def _read(self, reads: Sequence[dict[str, Any]], backoff: Backoff) -> dict[int, list[Row]]:
        rows: dict[int, list[Row]] = {}
        for ops in _requests(reads):
            for row in query(self.memory.api.with_timeout(backoff.left), _READ, {"ops": ops}):
                rows.setdefault(row["op"], []).append(row)
        return rows

    def _write(self, writes: Sequence[dict[str, Any]], backoff: Backoff) -> None:
        for part in _requests(writes):
            self.memory.api.with_timeout(backoff.left).execute(_WRITE, {"items": part}, idempotent=True)


def _result(op: Op, read: Mapping[str, Any], rows: Sequence[Row]) -> Result:
    if isinstance(op, PutOp):
        return None
    if isinstance(op, ListNamespacesOp):
        return [labels(read["userid"], row["namespace"]) for row in sorted(rows, key=lambda row: int(row["place"]))]
    found = [*items(read["userid"], rows)]
    if isinstance(op, SearchOp):
        return found
    return plain(found[0]) if found else None


def _requests(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The entries as JSON arrays, in as few as there must be."""
    array: list[str] = []
    size = 0
    for entry in entries:
        written = to_json(entry)
        more = len(json.dumps(written)) + 1  # JSON within JSON
        if array and size + more > REQUEST_BYTES:
            yield f"[{','.join(array)}]"
            array, size = [], 0
        array.append(written)
        size += more
    if array:
        yield f"[{','.join(array)}]"


def _default_ttl(memory: ChatMemory) -> TTLConfig | None:
    after = memory.expires_after
    return None if after is None else {"default_ttl": after.total_seconds() / 60, "refresh_on_read": False}
