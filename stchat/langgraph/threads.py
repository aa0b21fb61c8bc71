"""What a RunnableConfig names, checked: a thread, a namespace, a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig

from stchat.chat import validation
from stchat.errors import InputError

PAGE = 50  # checkpoints of one call of `list`
METADATA_BYTES = 16_384  # of one entry; a longer one is stored, but cannot be filtered by


@dataclass(frozen=True, slots=True)
class Place:
    """`id`: None is the newest checkpoint."""

    thread_id: str
    namespace: str
    id: str | None

    @classmethod
    def of(cls, config: RunnableConfig) -> Place:
        named: Mapping[str, Any] = config.get("configurable", {})
        found = named.get("checkpoint_id")
        return cls(
            thread_id(named.get("thread_id")), namespace(named.get("checkpoint_ns", "")), found and name_of(found)
        )

    @property
    def json(self) -> dict[str, Any]:
        return {"thread_id": self.thread_id, "namespace": self.namespace, "id": self.id}


@dataclass(slots=True)
class Walk:
    """What is to be listed, and how far that is: `left` checkpoints, None: all."""

    asked: dict[str, Any]
    left: int | None

    @classmethod
    def of(
        cls,
        config: RunnableConfig | None,
        filter: Mapping[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> Walk:
        if limit is not None:
            validation.integer("limit", limit, 0, validation.LARGEST_INT)
        place = Place.of(config).json if config else {}
        if config and config["configurable"].get("checkpoint_ns") is None:
            place["namespace"] = None  # all of the thread
        earlier = before and before.get("configurable", {}).get("checkpoint_id")
        return cls(place | {"before": earlier and name_of(earlier), "filter": _filter(filter or {})}, limit)

    @property
    def limit(self) -> int:
        """Of the next page; 0: there is none."""
        return PAGE if self.left is None else max(0, min(PAGE, self.left))

    @property
    def query(self) -> dict[str, Any]:
        return self.asked | {"limit": self.limit}

    def passed(self, count: int, last: list[Any] | None) -> None:
        """A page of so many; `last`: where the next one goes on, None if there is none."""
        self.left = 0 if last is None else None if self.left is None else self.left - count
        self.asked |= {"after": last}


def thread_id(value: Any) -> str:
    if value is None:
        raise InputError("thread_id", "be given", "none", 'name the thread: {"configurable": {"thread_id": "..."}}')
    return validation.name("thread_id", value if isinstance(value, str) else str(value))


def namespace(value: Any) -> str:
    return validation.name("checkpoint_ns", value) if value else ""


def name_of(value: Any) -> str:
    return validation.name("checkpoint_id", value)


def config_of(thread_id: str, namespace: str, id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": namespace, "checkpoint_id": id}}


def filterable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that PostgreSQL can hold as JSON."""
    return {key: value for key, value in metadata.items() if _fits(key, value)}


def _filter(filter: Mapping[str, Any]) -> dict[str, Any]:
    if unfit := [key for key, value in filter.items() if not _fits(key, value)]:
        must = f"have values that JSON can hold, of at most {METADATA_BYTES:,} bytes"
        raise InputError("filter", must, f"another one, number {[*filter].index(unfit[0]) + 1}")
    return dict(filter)


def _fits(key: Any, value: Any) -> bool:
    try:
        written = json.dumps({key: value}, ensure_ascii=False, allow_nan=False)
        return "\\u0000" not in written and len(written.encode()) <= METADATA_BYTES
    except (TypeError, ValueError, RecursionError):  # ValueError: NaN; half of a surrogate pair
        return False
