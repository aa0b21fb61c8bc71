"""All that the database holds of one user: exported as JSON lines, and erased (docs/privacy.md).

Both run as the application's role, whose row security shows it this user's rows alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

from stchat.data_api import Backoff, Database, Row, Statements, joined, query, retry, to_json
from stchat.errors import DatabaseError, StchatError, TransientError
from stchat.ops import store_items

PAGE_TURNS = 500
PAGE_MEMORIES = 40  # of 13 KB each, most of it the vector, in 1 MiB
BATCH_ROWS = 500  # deleted by one statement: well under the Data API's 45 s with an HNSW index, too


@dataclass(frozen=True)
class Rule:
    """What erasing a user does in a table. `owner`: the column that names the user; None: no row is about a user.
    `by_triggers`: its rows go with those of another table."""

    owner: str | None
    by_triggers: bool = False


# Every table of sql/: a test fails for one that is missing here.
TABLES: Mapping[str, Rule] = {
    "st_chat_history_table": Rule("userid"),
    "st_chat_history_vector_table": Rule("userid"),
    "st_chat_store_item": Rule("userid"),
    "st_chat_memory_code": Rule("userid", by_triggers=True),
    "st_chat_memory_words": Rule("userid", by_triggers=True),
    "st_chat_checkpoint_write": Rule("userid"),
    "st_chat_checkpoint_blob": Rule("userid"),
    "st_chat_checkpoint": Rule("userid"),
    "st_chat_thread": Rule("userid"),  # would take all of the three with it, at once
    "st_chat_state": Rule("userid"),
    "st_chat_upload": Rule("userid"),
    "st_chat_memory_second": Rule("userid", by_triggers=True),
    "st_chat_memory_coding": Rule(None),  # thresholds, learned from many users' vectors
    "schema_migrations": Rule(None),
}

_TURNS = """
SELECT primarykey, themename AS theme, chatid, "timestamp", expires_at, part, userinput, botresponse
FROM st_chat_export_turns(:userid, :after::bigint, :limit::int)"""
_MEMORIES = """
SELECT primarykey, id, theme, chatid, metadata, created_at, updated_at, expires_at, vector, embedding_model, part,
    chat_summary
FROM st_chat_export_memories(:userid, :after::bigint, :limit::int)"""
_AS = "SELECT st_chat_as(:userid)::text"
_COUNT = "SELECT count(*) AS rows FROM {table} WHERE {owner} = :userid"
_DELETE = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE {owner} = :userid ORDER BY ctid LIMIT {rows} FOR UPDATE))"""
_DEADLOCK = "40P01"

Report = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Receipt:
    """`rows`: how many of the user's each table held at the start. `user`: the SHA-256 of the id, so that a receipt
    that is kept does not keep the id."""

    user: str
    erased_at: datetime
    rows: Mapping[str, int]


def export(api: Database, userid: str, file: TextIO, report: Report) -> Mapping[str, int]:
    """Write the user's turns, memories and items of LangGraph's store, oldest first, as lines that an import reads.
    Returns how many of each."""
    counts = {"turns": 0, "memories": 0}
    for kind, sql, limit, line in (
        ("turns", _TURNS, PAGE_TURNS, _turn),
        ("memories", _MEMORIES, PAGE_MEMORIES, _memory),
        ("items", store_items.EXPORT, store_items.PAGE, store_items.line),
    ):
        for rows in _pages(api, sql, userid, limit):
            for row in rows:
                fields = {"userid": userid} | {name: value for name, value in line(row).items() if value is not None}
                file.write(to_json(fields) + "\n")
            counts[kind] = counts.get(kind, 0) + len(rows)
            report(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    return counts


def export_file(api: Database, userid: str, path: Path, report: Report) -> Mapping[str, int]:
    """To a new file that its owner alone may read, which is there once it is whole.

    Raises:
        StchatError: the file exists, or its folder does not.
    """
    if not path.parent.is_dir():
        raise StchatError(f"{path.parent} must be a folder, to write {path.name} into, got none: make it first")
    if path.exists():
        raise StchatError(f"{path} exists already: choose another file, or remove it")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            counts = export(api, userid, file, report)
        unfinished.rename(path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    return counts


def count(api: Database, userid: str) -> dict[str, int]:
    """How many rows of the user each table holds, what has expired and waits to be deleted included."""
    owners = {table: rule.owner for table, rule in TABLES.items() if rule.owner}

    def rows(transaction: Statements, table: str, owner: str) -> int:
        [row] = transaction.execute(_COUNT.format(table=table, owner=owner), {"userid": userid}).rows
        return int(row["rows"])

    return _as_user(api, userid, lambda transaction: {t: rows(transaction, t, o) for t, o in owners.items()})


def erase(api: Database, userid: str, report: Report) -> Receipt:
    """Delete every row of the user, in batches: after a stop, erase again. Rows that are written meanwhile may stay.

    Raises:
        StchatError: rows remain, since new ones are written.
    """
    rows = count(api, userid)
    erased = 0
    for table, rule in TABLES.items():
        if rule.owner is None or rule.by_triggers:
            continue
        sql = _DELETE.format(table=table, owner=rule.owner, rows=BATCH_ROWS)
        while deleted := _delete(api, userid, sql):
            erased += deleted
            report(f"{erased:,} rows deleted")
    if left := {table: number for table, number in count(api, userid).items() if number}:
        shown = ", ".join(f"{number:,} in {table}" for table, number in left.items())
        raise StchatError(f"rows of this user remain ({shown}): stop what writes for this user, and erase again")
    return Receipt(hashlib.sha256(userid.encode()).hexdigest(), datetime.now(UTC), rows)


def _delete(api: Database, userid: str, sql: str) -> int:
    return _as_user(api, userid, lambda transaction: transaction.execute(sql, {"userid": userid}).updated)


def _as_user(api: Database, userid: str, work: Callable[[Statements], T]) -> T:
    """In a transaction whose user row security knows; all of it again, where an answer was lost or a lock not got."""
    backoff = Backoff(api.timeout)

    def attempt() -> T:
        with api.with_timeout(backoff.left).transaction() as transaction:
            transaction.execute(_AS, {"userid": userid})
            return work(transaction)

    return retry(attempt, backoff, _is_transient, "the database")


def _is_transient(error: StchatError) -> bool:
    """A writer of the same rows may lock them in another order."""
    return isinstance(error, TransientError) or (isinstance(error, DatabaseError) and error.sqlstate == _DEADLOCK)


def _pages(api: Database, sql: str, userid: str, limit: int) -> Iterator[list[Row]]:
    after = -1
    while rows := query(api, sql, {"userid": userid, "after": after, "limit": limit}):
        texts = [name for name in ("userinput", "botresponse", "chat_summary", "value") if name in rows[0]]
        page = joined(rows, *texts)
        after = page[-1]["primarykey"]
        yield page


def _turn(row: Row) -> dict[str, Any]:
    return {
        name: _plain(row[name]) for name in ("theme", "chatid", "userinput", "botresponse", "timestamp", "expires_at")
    }


def _memory(row: Row) -> dict[str, Any]:
    fields = {name: _plain(row[name]) for name in ("id", "theme", "chatid")}
    fields |= {"summary": row["chat_summary"], "metadata": row["metadata"]}
    fields |= {name: _plain(row[name]) for name in ("created_at", "updated_at", "expires_at")}
    return fields | {"vector": json.loads(row["vector"]), "embedding_model": row["embedding_model"]}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
