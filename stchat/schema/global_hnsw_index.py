"""The source's global HNSW index: there or not, as a setting says (docs/decisions/0403).

It goes by the catalog alone, as migrations CONCURRENTLY do, and may be called again at any point: two deploys at once
do no harm, and the one whose setting is looked at last is obeyed. The column's comment counts this deploy's tries.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from stchat.data_api.client import STATEMENT_SECONDS, DataApi
from stchat.errors import DatabaseError, SettingsError, StatementError
from stchat.schema.execution import POLL_SECONDS, TRIES, RetryLater, attempt, passing, probe, tidy
from stchat.schema.non_transactional import recognise

log = logging.getLogger(__name__)

PLACE = "the global HNSW index"
_TABLE = "st_chat_history_vector_table"
INDEX = f"{_TABLE}_chat_vector_idx"
_BUILD = f"CREATE INDEX CONCURRENTLY {INDEX} ON {_TABLE} USING hnsw (chat_vector vector_l2_ops)"
_DROP = f"DROP INDEX CONCURRENTLY {INDEX}"
_TRIED = """
SELECT coalesce(col_description(attrelid, attnum), '') AS tried FROM pg_attribute
WHERE attrelid = :table::regclass AND attname = 'chat_vector'"""
_STATES = {"true": True, "false": False}


def parse_states(values: Mapping[str, str]) -> dict[str, bool]:
    """By database, whether it is to be there."""
    for database, state in values.items():
        if state not in _STATES:
            raise SettingsError(f"{PLACE} of {database} must be true or false, got {state!r}: deploy with `cdk deploy`")
    return {database: _STATES[state] for database, state in values.items()}


def keep(api: DataApi, wanted: bool, deploy: str, deadline: float = float("inf")) -> None:
    """Returns when it is as wanted. Raises RetryLater while it is being built, StatementError after TRIES tries.

    `deadline`: when nothing is begun any more, by time.monotonic().
    """
    while not _step(api, wanted, deploy):
        if time.monotonic() > deadline:
            raise RetryLater(f"{PLACE}: no time is left to this call")


def keep_waiting(api: DataApi, wanted: bool, deploy: str) -> None:
    """However long it takes."""
    while True:
        try:
            return keep(api, wanted, deploy)
        except RetryLater as reason:
            log.info("%s", reason)
            time.sleep(POLL_SECONDS)


def _step(api: DataApi, wanted: bool, deploy: str) -> bool:
    """True: it is as wanted. False: look again."""
    statement = _BUILD if wanted else _DROP
    recognised = recognise(statement)
    assert recognised
    found = probe(api, *recognised, statement)
    match found["state"]:
        case "done":
            tidy(api, found)
            return True
        case "running":
            raise RetryLater(f"{PLACE}: {found['progress']}")
        case "broken":
            log.info("%s: what an earlier try left behind is cleared away", PLACE)
            tidy(api, found)
            return False
    _count(api, deploy)
    try:
        attempt(api, *recognised, statement, found, lambda _: PLACE)
    except DatabaseError as error:
        if not passing(error):
            raise
        raise RetryLater(f"{PLACE}: {error}") from error
    log.info("%s: %s", PLACE, "built, or being built" if wanted else "dropped")
    return False


def _count(api: DataApi, deploy: str) -> None:
    """A statement that fails after its call has returned leaves no message, only that it has to be tried again."""
    [row] = api.execute(_TRIED, {"table": _TABLE}, idempotent=True).rows
    who, _, number = row["tried"].rpartition(" try ")
    tries = int(number) if who == _who(deploy) and number.isdigit() else 0
    if tries == TRIES:
        raise StatementError(
            f"{PLACE}: did not get done in {TRIES} tries of over {STATEMENT_SECONDS} s;"
            " PostgreSQL's message is in the cluster's log alone"
        )
    comment = f"{_who(deploy)} try {tries + 1}"
    api.execute(f"COMMENT ON COLUMN {_TABLE}.chat_vector IS '{comment}'", idempotent=True)


def _who(deploy: str) -> str:
    return "index by " + deploy.replace("'", "")
