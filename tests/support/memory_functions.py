"""The memory's SQL functions, called as the library calls them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from stchat.data_api import DataApi
from stchat.errors import DatabaseError

DIMENSIONS = 1024


def unit(seed: int | str) -> list[float]:
    """A vector of length 1."""
    chance = random.Random(seed)
    numbers = [chance.gauss(0, 1) for _ in range(DIMENSIONS)]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


def text(vector: Sequence[float]) -> str:
    return json.dumps(vector)


def memory(userid: str, chatid: int = 1, theme: str = "t", **more: Any) -> dict[str, Any]:
    return {
        "userid": userid, "theme": theme, "chatid": chatid, "summary": f"summary {chatid}", "metadata": None,
        "vector": text(unit(f"{theme} {chatid}")),
    } | more  # fmt: skip


def remember(api: DataApi, *memories: dict[str, Any]) -> list[bool]:
    sql = "SELECT item, written FROM st_chat_remember(:items::jsonb) ORDER BY item"
    return [row["written"] for row in api.execute(sql, {"items": list(memories)}).rows]


def recall(
    api: DataApi, userid: str, vector: Sequence[float], k: int = 10, theme: str | None = None, metadata: Any = None
) -> list[dict[str, Any]]:
    sql = "SELECT * FROM st_chat_recall(:userid::text, :vector::vector, :k::int, :theme::text, :metadata::jsonb)"
    values = {"userid": userid, "vector": text(vector), "k": k, "theme": theme, "metadata": metadata}
    return api.execute(sql, values).rows


def refused(api: DataApi, sql: str, **values: Any) -> str:
    """The SQLSTATE."""
    with pytest.raises(DatabaseError) as raised:
        api.execute(sql, values)
    return raised.value.sqlstate
