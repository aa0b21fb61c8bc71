"""Items of LangGraph's store as lines of an export, and lines as items again. It needs no package of LangGraph's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stchat.chat import validation
from stchat.data_api import Database, Row
from stchat.errors import InputError

EXPORT = """
SELECT primarykey, namespace, key, fields, indexed, minutes, created_at, updated_at, expires_at, part, value
FROM st_chat_export_items(:userid, :after::bigint, :limit::int)"""
_IMPORT = "SELECT written FROM st_chat_import_items(:items::jsonb)"
_TIMES = ("created_at", "updated_at", "expires_at")
_REQUIRED = ("userid", "namespace", "key", "value", "indexed")
_NAMES = (*_REQUIRED, "fields", "minutes", *_TIMES)
PAGE = 50
BATCH = 8  # of 400 KB each in the 4 MiB of a request


def line(row: Row) -> dict[str, Any]:
    """`minutes`: its ttl. `fields`: what filters see, of a large value."""
    names = ("namespace", "key", "fields", "indexed", "minutes", *_TIMES)
    times = {name: row[name].isoformat() for name in _TIMES if row[name] is not None}
    return {name: row[name] for name in names} | times | {"value": json.loads(row["value"])}


def prepare(item: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """`prefix`: stands before the names of fields in errors."""
    for name in _REQUIRED:
        if name not in item:
            raise InputError(f"{prefix}{name}", "be given", "none")
    if unknown := [name for name in item if name not in _NAMES]:
        raise InputError(prefix.rstrip("."), f"have no fields but {', '.join(_NAMES)}", f"{len(unknown)} others")
    minutes, fields = item.get("minutes"), item.get("fields")
    if minutes is not None and (
        isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= 1e9
    ):
        raise InputError(f"{prefix}minutes", "be a number over 0, at most 1e9", validation.describe(minutes))
    if not isinstance(item["indexed"], bool):
        raise InputError(f"{prefix}indexed", "be true or false", validation.describe(item["indexed"]))
    namespace = validation.name(f"{prefix}namespace", item["namespace"])
    if not namespace.startswith("."):
        raise InputError(f"{prefix}namespace", 'begin with "."', validation.describe(namespace))
    return {
        "userid": validation.name(f"{prefix}userid", item["userid"]),
        "namespace": namespace,
        "key": _key(prefix, namespace, item["key"]),
        "value": validation.metadata(f"{prefix}value", item["value"], validation.TEXT_BYTES, "split it"),
        "fields": None if fields is None else json.loads(validation.metadata(f"{prefix}fields", fields)),
        "indexed": item["indexed"],
        "minutes": minutes,
    } | {name: validation.moment(f"{prefix}{name}", item[name]) for name in _TIMES if item.get(name) is not None}


def _key(prefix: str, namespace: str, key: Any) -> str:
    """As the store checks it: with its namespace it is the id of a memory."""
    checked = validation.text(f"{prefix}key", key)
    validation.name(f"{prefix}namespace and key", f"{namespace}..{checked}")
    return checked


def store(api: Database, items: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many were created, and how many replaced."""
    text = json.dumps([prepare(item, "") for item in items], ensure_ascii=False)
    rows = api.execute(_IMPORT, {"items": text}, idempotent=True).rows
    created = sum(row["written"] for row in rows)
    return created, len(rows) - created
