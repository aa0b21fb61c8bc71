"""The words of memories that were written before there was recall by words (docs/decisions/0421), in steps.

Each step is one call of the Data API and may be called again at any point; no reader or writer of memories waits. What
is written meanwhile has its words from the triggers.
"""

from __future__ import annotations

import logging
import time

from stchat.data_api import DataApi
from stchat.errors import DatabaseError
from stchat.schema.execution import RetryLater
from stchat.schema.waiting import is_transient

log = logging.getLogger(__name__)

PLACE = "the memories' words"
ROWS = 4_000  # a step; about a second

_MISSING = "SELECT st_chat_memory_words_missing() AS missing"
_STEP = "SELECT after, done, busy FROM st_chat_memory_words_step(:start::bigint, :rows::int)"


def missing(api: DataApi) -> int:
    """How many memories have no words yet: recall finds them by their meaning alone."""
    return int(api.execute(_MISSING, idempotent=True).rows[0]["missing"])


def keep(api: DataApi, deadline: float = float("inf")) -> None:
    """Raises RetryLater when `deadline`, by time.monotonic(), is near: the next call goes on."""
    while left := missing(api):
        log.info("%s: %d memories have none yet", PLACE, left)
        if _walk(api, deadline):
            time.sleep(1.0)  # some are being changed


def _walk(api: DataApi, deadline: float) -> int:
    """Once over all memories; how many are left because they are being changed."""
    start: int | None = 0
    done = busy = 0
    while start is not None:
        if time.monotonic() > deadline:
            raise RetryLater(f"{PLACE}: {done:,} memories have got theirs; no time is left to this call")
        try:
            [step] = api.execute(_STEP, {"start": start, "rows": ROWS}, idempotent=True).rows
        except DatabaseError as error:
            if not is_transient(error):
                raise
            raise RetryLater(f"{PLACE}: {error}") from error
        start, done, busy = step["after"], done + step["done"], busy + step["busy"]
    return busy
