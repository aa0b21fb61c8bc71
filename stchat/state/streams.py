"""Bytes of any size, to and from a function of the database: in one call, in several only where they are over the
limits of one. A request of the Data API has 4 MiB, a response 1 MiB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stchat.data_api import Backoff, Database, Row, query, retry
from stchat.errors import DataApiError, TransientError

REQUEST_BYTES = 4_000_000  # of 4 MiB, as they are in the request
PART_BYTES = 2_900_000  # of an upload; 4 in base64 for 3

_UPLOAD = "SELECT st_chat_upload(:userid, :part::int, :data) AS part"


@dataclass
class Upload:
    """Values one behind the other: `add` returns where each is."""

    chunks: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, kind: str, data: bytes) -> dict[str, Any]:
        where = {"type": kind, "start": self.size, "size": len(data)}
        self.chunks.append(data)
        self.size += len(data)
        return where

    @property
    def data(self) -> bytes:
        """Never empty: what AWS makes of a parameter of no bytes is not documented."""
        return b"".join(self.chunks) or b"\0"


def send(api: Database, sql: str, parameters: Mapping[str, Any], data: bytes) -> list[Row]:
    """The rows of `sql`, an idempotent statement with the parameters `userid` and `data`. What is too large for one
    request is uploaded before it, in the same transaction."""
    text = len(json.dumps({name: str(value) for name, value in parameters.items()}))
    if len(data) * 4 // 3 + text <= REQUEST_BYTES:
        return api.execute(sql, {**parameters, "data": data}, idempotent=True).rows
    backoff = Backoff(api.timeout)
    return retry(
        lambda: _in_parts(api.with_timeout(backoff.left), sql, parameters, data),
        backoff,
        lambda error: isinstance(error, TransientError),
        "the database, to send it from the beginning",
    )


def receive(api: Database, sql: str, parameters: Mapping[str, Any]) -> bytes | None:
    """What `sql` answers in rows of `part` and `data`; None without a row."""
    rows = query(api, sql, parameters)
    return b"".join(row["data"] for row in sorted(rows, key=lambda row: int(row["part"]))) if rows else None


def received(api: Database, sql: str, parameters: Mapping[str, Any]) -> bytes:
    """`receive`, of a function that always answers."""
    if (whole := receive(api, sql, parameters)) is None:
        raise DataApiError("the database must answer with at least one part, got none")
    return whole


def _in_parts(api: Database, sql: str, parameters: Mapping[str, Any], data: bytes) -> list[Row]:
    with api.transaction() as transaction:
        for part, start in enumerate(range(0, len(data), PART_BYTES)):
            chunk = data[start : start + PART_BYTES]
            transaction.execute(_UPLOAD, {"userid": parameters["userid"], "part": part, "data": chunk})
        return transaction.execute(sql, {**parameters, "data": None}).rows
