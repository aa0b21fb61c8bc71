"""How memories are coded for recall: learned from the rows, and the rows coded anew in steps (docs/decisions/0420).

Each step is one call of the Data API, and all of them may be called again at any point: what is done is not done twice,
and no reader or writer of memories waits. A table of fewer than LEARNABLE memories has nothing to learn from, and
needs nothing: so few are compared exactly.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from stchat.data_api import DataApi
from stchat.environment import EMBEDDING_MODEL
from stchat.errors import DatabaseError, StatementTimeoutError
from stchat.schema.execution import RetryLater
from stchat.schema.waiting import is_transient

log = logging.getLogger(__name__)

PLACE = "the memories' codes"
LEARNABLE = 1_000
GROWN = 8  # times as many memories as it was learned from: it is learned again
ROWS = 4_000  # a step; about half a second
QUESTIONS = 20
FITS = 0.95

_FIT = "SELECT memories, codings, learned_of, questions, recall, worst, model FROM st_chat_memory_fit(:questions::int)"
_LEARN = "SELECT st_chat_memory_learn(st_chat_model(:model)) AS coding"
_FENCE = "SELECT coding, codings, passed FROM st_chat_memory_fence()"
_STEP = "SELECT after, done, busy FROM st_chat_memory_step(:start::bigint, :rows::int)"
_RETIRE = "SELECT st_chat_memory_retire(:coding::int) AS retired"
# Each row that is coded anew leaves its old entry behind, which are half of the index then.
_INDEX = "st_chat_memory_code_near"
_CLEAR = f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}_ccnew"
_REPACK = f"REINDEX INDEX CONCURRENTLY {_INDEX}"


@dataclass(frozen=True)
class Fit:
    """`memories`: about how many there are; `learned_of`: how many there were when the coding was learned, None: it
    never was; `recall`, `worst`: what codes find of the 10 nearest, None: no user has so many that codes decide;
    `model`: whose vectors they are."""

    memories: int
    codings: int
    learned_of: int | None
    questions: int
    recall: float | None
    worst: float | None
    model: str = EMBEDDING_MODEL

    @property
    def is_to_be_learned(self) -> bool:
        if self.memories < LEARNABLE:
            return False
        if self.learned_of is None or self.memories >= GROWN * self.learned_of:
            return True
        return self.recall is not None and self.recall < FITS

    @property
    def is_half_done(self) -> bool:
        return self.codings > 1


def fits(api: DataApi) -> list[Fit]:
    """Of each model that memories have, the baseline's first."""
    rows = api.execute(_FIT, {"questions": QUESTIONS}, idempotent=True).rows
    return [Fit(**row | {"memories": row["memories"] or 0, "model": row["model"] or EMBEDDING_MODEL}) for row in rows]


def keep(api: DataApi, deadline: float = float("inf"), *, learn: bool | None = None) -> list[Fit]:
    """Learns (`learn` None: if it is due), and codes anew what has an older coding.

    Raises RetryLater when `deadline`, by time.monotonic(), is near: the next call goes on.
    """
    found = fits(api)
    due = [one for one in found if learn or (learn is None and not one.is_half_done and one.is_to_be_learned)]
    if not due and not any(one.is_half_done for one in found):
        return found
    for one in due:
        [row] = api.execute(_LEARN, {"model": one.model}, idempotent=False).rows
        done = "learned anew" if row["coding"] else "there is too little to learn from"
        log.info("%s of %s: %s", PLACE, one.model, done)
    while not _walk(api, deadline):
        _wait(deadline, "memories are being changed that are still to be coded")
        time.sleep(1.0)
    return fits(api)


def _walk(api: DataApi, deadline: float) -> bool:
    """Once over all memories. True: none is left with an older coding."""
    [fence] = api.execute(_FENCE, idempotent=True).rows
    if fence["codings"] == 1:
        return True
    start: int | None = 0
    done = busy = 0
    while start is not None:
        _wait(deadline, f"{done:,} memories are coded anew")
        try:
            [step] = api.execute(_STEP, {"start": start, "rows": ROWS}, idempotent=True).rows
        except DatabaseError as error:
            if not is_transient(error):
                raise
            raise RetryLater(f"{PLACE}: {error}") from error
        start, done, busy = step["after"], done + step["done"], busy + step["busy"]
    log.info("%s: %d memories are coded anew, %d are being changed", PLACE, done, busy)
    if busy or not fence["passed"]:
        return False
    _repack(api)
    api.execute(_RETIRE, {"coding": fence["coding"]}, idempotent=True)
    return True


def _repack(api: DataApi) -> None:
    """The index as small as it was. It serves meanwhile; what an earlier try left behind goes first."""
    try:
        api.execute(_CLEAR)
        api.execute(_REPACK, continue_after_timeout=True)
    except StatementTimeoutError:
        log.info("%s: their index is still being packed, which goes on by itself", PLACE)


def _wait(deadline: float, reason: str) -> None:
    if time.monotonic() > deadline:
        raise RetryLater(f"{PLACE}: {reason}; no time is left to this call")
