"""The items of `remember_many` and `add_many`: checked, and split into batches that the Data API and the model take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stchat.chat import validation
from stchat.chat.vectors import TEXT_BYTES, Vector, normalised
from stchat.environment import MOST_DAYS
from stchat.errors import InputError

BATCH_ITEMS = 96  # as many as the model embeds per call
BATCH_TURNS = 1_000
BATCH_BYTES = 4_000_000  # of items, as they are in the request, of which the Data API takes 4 MiB

_REQUIRED = ("userid", "theme", "chatid", "summary")
_NAMES = (*_REQUIRED, "metadata", "vector", "embedding_model", "id", "expires_at", "created_at", "updated_at")
_TURN_REQUIRED = ("userid", "theme", "chatid")
_TURN_NAMES = (*_TURN_REQUIRED, "userinput", "botresponse", "timestamp", "expires_at")


@dataclass(frozen=True)
class Item:
    """`columns` without the vector, None until it is embedded; `size`: bytes that it takes in the request at most;
    `model`: whose vector it is, None: the embedder's."""

    columns: dict[str, Any]
    vector: Vector | None
    size: int
    model: str | None = None

    def vector_of(self, model: str) -> Vector | None:
        """The vector, if it is one of that model."""
        return self.vector if self.model in (None, model) else None


def prepare(item: Mapping[str, Any], prefix: str = "", expires_at: str | None = None) -> Item:
    """`prefix`: stands before the names of fields in errors, as `items[3].`. `expires_at`: unless the item has one."""
    _check_names(item, prefix, _REQUIRED, _NAMES)
    metadata, vector, id_, model = (item.get(name) for name in ("metadata", "vector", "id", "embedding_model"))
    columns = {
        "userid": validation.name(f"{prefix}userid", item["userid"]),
        "theme": validation.name(f"{prefix}theme", item["theme"]),
        "chatid": validation.bigint_id(f"{prefix}chatid", item["chatid"]),
        "summary": validation.non_blank(f"{prefix}summary", item["summary"]),
        "metadata": None if metadata is None else json.loads(validation.metadata(f"{prefix}metadata", metadata)),
        "id": None if id_ is None else validation.name(f"{prefix}id", id_),
        "expires_at": _expiry(item, prefix, expires_at),
    }
    for field in ("created_at", "updated_at"):
        if item.get(field) is not None:
            columns[field] = validation.moment(f"{prefix}{field}", item[field])
    return Item(
        columns=columns,
        vector=None if vector is None else normalised(vector, f"{prefix}vector"),
        # JSON within JSON: the items are one parameter of the request, whose quotes are quoted again.
        size=len(json.dumps(json.dumps(columns, ensure_ascii=False))) + TEXT_BYTES,
        model=None if model is None else validation.name(f"{prefix}embedding_model", model),
    )


def prepare_turn(turn: Mapping[str, Any], prefix: str = "", expires_at: str | None = None) -> Item:
    """As `prepare`, of a turn."""
    _check_names(turn, prefix, _TURN_REQUIRED, _TURN_NAMES)
    userinput, botresponse, timestamp = turn.get("userinput"), turn.get("botresponse"), turn.get("timestamp")
    columns = {
        "userid": validation.name(f"{prefix}userid", turn["userid"]),
        "theme": validation.name(f"{prefix}theme", turn["theme"]),
        "chatid": validation.bigint_id(f"{prefix}chatid", turn["chatid"]),
        "userinput": None if userinput is None else validation.text(f"{prefix}userinput", userinput),
        "botresponse": None if botresponse is None else validation.text(f"{prefix}botresponse", botresponse),
        "timestamp": None if timestamp is None else validation.moment(f"{prefix}timestamp", timestamp),
        "expires_at": _expiry(turn, prefix, expires_at),
    }
    return Item(columns, vector=None, size=len(json.dumps(json.dumps(columns, ensure_ascii=False))))


def batches(items: Sequence[Item], most: int = BATCH_ITEMS) -> Iterator[Sequence[Item]]:
    start = size = 0
    for index, item in enumerate(items):
        if index - start == most or size + item.size > BATCH_BYTES:
            yield items[start:index]
            start, size = index, 0
        size += item.size
    if items:
        yield items[start:]


def expiry(after: timedelta | None) -> str | None:
    """When what is written now expires: `after` is the default of the history or the memory."""
    if after is not None and not (isinstance(after, timedelta) and timedelta(0) < after <= timedelta(days=MOST_DAYS)):
        got = f"{after}" if isinstance(after, timedelta) else validation.describe(after)
        raise InputError(
            "expires_after", f"be a timedelta above 0, of at most {MOST_DAYS:,} days", got, "None for never"
        )
    return None if after is None else (datetime.now(UTC) + after).isoformat()


def _expiry(item: Mapping[str, Any], prefix: str, default: str | None) -> str | None:
    given = item.get("expires_at")
    return default if given is None else validation.moment(f"{prefix}expires_at", given)


def _check_names(item: Mapping[str, Any], prefix: str, required: Sequence[str], names: Sequence[str]) -> None:
    if not isinstance(item, Mapping):
        raise InputError(prefix.rstrip("."), "be a mapping, such as a dict", type(item).__name__)
    for name in required:
        if name not in item:
            raise InputError(f"{prefix}{name}", "be given", "none")
    if unknown := [name for name in item if name not in names]:
        raise InputError(prefix.rstrip("."), f"have no fields but {', '.join(names)}", f"{len(unknown)} others")
