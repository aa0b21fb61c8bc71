"""LangGraph's operations, checked, as the database takes them (sql/st_chat_db, `st_chat_store_read` and
`st_chat_store_write`).

A namespace's first label is the user. The others are the theme: "." and the labels with "." between them, of which no
label has one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
    get_text_at_path,
    validate_op_namespace,
)

from stchat.chat import filters, validation
from stchat.chat.validation import LARGEST_INT
from stchat.data_api import Row, to_json
from stchat.errors import InputError

FIELD_BYTES = 1_000  # of a field that filters see, where the value is larger than metadata may be
SEARCHED = 8_000  # characters of the text of an item; search by words reads no more, search by meaning 2,048
MOST_MINUTES = 1e9
NAMESPACES = "langgraph.namespaces"  # the field of a memory's metadata by which search finds it

Labels = tuple[str, ...]


def reading(op: GetOp | SearchOp | ListNamespacesOp) -> dict[str, Any]:
    """Without the vector of a query."""
    validate_op_namespace(op)
    if isinstance(op, ListNamespacesOp):
        conditions = op.match_conditions or ()
        return {
            "kind": "list",
            "userid": _user_of(conditions),
            "conditions": [{"match_type": one.match_type, "path": [*one.path]} for one in conditions],
            "depth": None if op.max_depth is None else validation.integer("max_depth", op.max_depth, 0, LARGEST_INT),
            **_page(op.limit, op.offset),
        }
    if isinstance(op, GetOp):
        userid, namespace = _place(op.namespace)
        return {
            "kind": "get",
            "userid": userid,
            "namespace": namespace,
            "key": _key(namespace, op.key),
            "refresh": op.refresh_ttl,
        }
    userid, namespace = _place(op.namespace_prefix)
    if op.query is not None:
        validation.text("query", op.query)
    return {
        "kind": "search",
        "userid": userid,
        "namespace": namespace,
        "filter": filters.parse(op.filter) if op.filter else None,
        "refresh": op.refresh_ttl,
        **_page(op.limit, op.offset),
    }


def writing(op: PutOp, fields: Sequence[str] | None) -> dict[str, Any]:
    """`fields`: those to search by where the operation names none; None: nothing is searched by. `summary` is the text
    that the item's memory has, None where it has none; its vector is not made yet."""
    validate_op_namespace(op)
    userid, namespace = _place(op.namespace)
    item: dict[str, Any] = {"userid": userid, "namespace": namespace, "key": _key(namespace, op.key), "value": None}
    if op.value is None:
        return item
    value = _json(op.value)
    seen = _filterable(op.value, value, namespace)
    item |= {"value": value, "fields": seen, "minutes": _minutes(op.ttl)}
    paths = fields if op.index is None or fields is None else op.index
    text = "\n".join(_texts(op.value, paths or ()))[:SEARCHED]
    if text.strip():
        metadata = dict(op.value) if seen is None else seen
        item |= {"summary": text, "metadata": metadata | {NAMESPACES: _prefixes(namespace)}}
    return item


def items(userid: str, parts: Iterable[Row]) -> Iterator[SearchItem]:
    """What rows of the database are, in their order."""
    places: dict[int, list[Row]] = {}
    for row in parts:
        places.setdefault(row["place"], []).append(row)
    for _, rows in sorted(places.items()):
        first = rows[0]
        yield SearchItem(
            namespace=labels(userid, first["namespace"]),
            key=first["key"],
            value=json.loads("".join(row["value"] for row in sorted(rows, key=lambda row: int(row["part"])))),
            created_at=first["created_at"],
            updated_at=first["updated_at"],
            score=first["score"],
        )


def plain(item: SearchItem) -> Item:
    return Item(
        value=item.value,
        key=item.key,
        namespace=item.namespace,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def labels(userid: str, namespace: str | None) -> Labels:
    """None: the empty namespace, which `max_depth=0` leaves."""
    if namespace is None:
        return ()
    return (userid, *namespace[1:].split(".")) if namespace != "." else (userid,)


def _place(path: Labels) -> tuple[str, str]:
    """The user, and the theme."""
    if not path:
        hint = 'begin it with the userid: ("hana", "preferences"); no search reads what all users have'
        raise InputError("namespace", "name a user", "an empty one", hint)
    userid = validation.name("namespace[0]", path[0])
    return userid, validation.name("namespace", "." + ".".join(path[1:]))


def _user_of(conditions: Sequence[MatchCondition]) -> str:
    for condition in conditions:
        if condition.match_type not in ("prefix", "suffix"):
            got = validation.describe(condition.match_type)
            raise InputError("match_type", "be 'prefix' or 'suffix'", got)
    for condition in conditions:
        if condition.match_type == "prefix" and condition.path and condition.path[0] != "*":
            return validation.name("prefix[0]", condition.path[0])
    hint = 'begin the prefix with the userid: prefix=("hana",); no list has the namespaces of all users'
    raise InputError("prefix", "name a user", "none that does", hint)


def _page(limit: int, offset: int) -> dict[str, int]:
    return {
        "limit": validation.integer("limit", limit, 0, LARGEST_INT // 2),
        "offset": validation.integer("offset", offset, 0, LARGEST_INT // 2),
    }


def _key(namespace: str, key: Any) -> str:
    """The key and its namespace are the id of a memory, which has 1,000 bytes."""
    checked = validation.name("key", key) if key != "" else ""
    validation.name("namespace and key", f"{namespace}..{checked}")
    return checked


def _json(value: Mapping[str, Any]) -> str:
    """What `get` returns is equal to it."""
    return validation.metadata("value", value, validation.TEXT_BYTES, "split it into several items")


def _filterable(value: Mapping[str, Any], written: str, namespace: str) -> dict[str, Any] | None:
    """The fields that filters see; None: all. They are the metadata of a memory, which has 16 KB."""
    if NAMESPACES in value:
        raise InputError("value", f"have no field {NAMESPACES}", "one", "the store has it: give it another name")
    room = validation.METADATA_BYTES - len(to_json({NAMESPACES: _prefixes(namespace)}).encode())
    if room < validation.METADATA_BYTES // 2:
        hint = f"each label stands in it with all before it: at most {validation.METADATA_BYTES // 2:,} bytes together"
        raise InputError("namespace", "have fewer or shorter labels", f"{namespace.count('.') + 1}", hint)
    if len(written.encode()) <= room:
        return None
    small = {name: one for name, one in value.items() if len(to_json({name: one}).encode()) <= FIELD_BYTES}
    if (size := len(to_json(small).encode())) > room:
        hint = "put what is not filtered by into one field"
        raise InputError("value", f"have at most {room:,} bytes in fields of up to 1,000", f"{size:,}", hint)
    return small


def _prefixes(namespace: str) -> list[str]:
    """The theme and those above it: "." for all of a user."""
    names = namespace[1:].split(".") if namespace != "." else []
    return [".", *("." + ".".join(names[: count + 1]) for count in range(len(names)))]


def _texts(value: Mapping[str, Any], paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        yield from get_text_at_path(dict(value), path)


def _minutes(ttl: float | None) -> float | None:
    if ttl is None:
        return None
    if (
        isinstance(ttl, bool)
        or not isinstance(ttl, int | float)
        or not math.isfinite(ttl)
        or not 0 < ttl <= MOST_MINUTES
    ):
        raise InputError("ttl", "be a number of minutes over 0, at most 1e9", validation.describe(ttl))
    return float(ttl)
