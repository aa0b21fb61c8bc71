"""The original schema's global HNSW index: there or not, as a setting decides (docs/decisions/0403).

It goes by the catalog alone, as migrations CONCURRENTLY do, and may be called again at any point: two deploys at once
do no harm, and the deploy that began last is obeyed. The column's comment has the latest deploys, newest first, and
counts the attempts of the newest: CloudFormation's waiter goes on calling for a request that it has rolled back.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping

from stchat.data_api import STATEMENT_SECONDS, DataApi
from stchat.errors import DatabaseError, SettingsError, StatementError
from stchat.schema.execution import ATTEMPTS, POLL_SECONDS, RetryLater, clean_up, start
from stchat.schema.migration import Statement, Target
from stchat.schema.non_transactional import inspect
from stchat.schema.waiting import is_transient

log = logging.getLogger(__name__)

SCOPE = "the global HNSW index"
_TABLE = "st_chat_history_vector_table"
INDEX = f"{_TABLE}_chat_vector_idx"
_BUILD = f"CREATE INDEX CONCURRENTLY {INDEX} ON {_TABLE} USING hnsw (chat_vector vector_l2_ops)"
_DROP = f"DROP INDEX CONCURRENTLY {INDEX}"
_TARGET = Target("create index concurrently", INDEX, table=_TABLE)
_DEPLOYS = 10  # that are remembered
_COMMENT = """
SELECT coalesce(col_description(attrelid, attnum), '') AS comment FROM pg_attribute
WHERE attrelid = to_regclass(:table) AND attname = 'chat_vector'"""
_STATES = {"true": True, "false": False}


def parse_states(values: Mapping[str, str]) -> dict[str, bool]:
    """By database, whether it is to be there."""
    for database, state in values.items():
        if state not in _STATES:
            raise SettingsError(f"{SCOPE} of {database} must be true or false, got {state!r}: deploy with `cdk deploy`")
    return {database: _STATES[state] for database, state in values.items()}


class SupersededError(Exception):
    """A later deploy has set the index; this one's setting counts no more."""


_OTHERS_WERE_FASTER = ("42P07", "42704")  # duplicate_table, undefined_object: another deploy did it since we looked


def keep(api: DataApi, wanted: bool, deploy: str, deadline: float = float("inf")) -> None:
    """Returns when it is as wanted. Raises RetryLater while it is being built, StatementError after ATTEMPTS attempts,
    SupersededError when another deploy has begun since this one did.

    `deadline`: when nothing is begun any more, by time.monotonic().
    """
    attempts = _attempts(api, deploy)
    while not _step(api, wanted, deploy, attempts):
        attempts += 1
        if time.monotonic() > deadline:
            raise RetryLater(f"{SCOPE}: no time is left to this call")


def keep_waiting(api: DataApi, wanted: bool, deploy: str) -> None:
    """However long it takes."""
    while True:
        try:
            return keep(api, wanted, deploy)
        except RetryLater as reason:
            log.info("%s", reason)
            time.sleep(POLL_SECONDS)


def _step(api: DataApi, wanted: bool, deploy: str, attempts: int) -> bool:
    """True: it is as wanted. False: look again."""
    target, sql = (_TARGET, _BUILD) if wanted else (Target("drop index concurrently", INDEX), _DROP)
    found = inspect(api, target, sql)
    match found["state"]:
        case "done" | "gone":
            clean_up(api, found)
            return True
        case "running":
            raise RetryLater(f"{SCOPE}: {found['progress']}")
        case "broken":
            log.info("%s: what an earlier attempt left behind is cleared away", SCOPE)
            clean_up(api, found)
            return False
        case "taken":
            raise StatementError(f"{SCOPE}: {INDEX} is the name of something else: rename that")
    if attempts >= ATTEMPTS:
        raise StatementError(
            f"{SCOPE}: did not get done in {ATTEMPTS} attempts of over {STATEMENT_SECONDS} s;"
            " PostgreSQL's message is in the cluster's log alone"
        )
    _remember(api, [deploy, *_deploys(api)[0]], attempts + 1)
    try:
        start(api, target, Statement(sql, 1, target), found, lambda _: SCOPE)
    except DatabaseError as error:
        if error.sqlstate in _OTHERS_WERE_FASTER:
            return False
        if not is_transient(error):
            raise
        raise RetryLater(f"{SCOPE}: {error}") from error
    log.info("%s: %s", SCOPE, "built, or being built" if wanted else "dropped")
    return False


def _attempts(api: DataApi, deploy: str) -> int:
    """Of this deploy, which is the newest if it is new. A failure after the call leaves no message, only its count."""
    deploys, attempts = _deploys(api)
    if deploy in deploys[1:]:
        raise SupersededError(f"{SCOPE}: the deploy {deploys[0]} has begun after {deploy}")
    if deploy in deploys:
        return attempts
    _remember(api, [deploy, *deploys], 0)
    return 0


def _deploys(api: DataApi) -> tuple[list[str], int]:
    rows = api.execute(_COMMENT, {"table": _TABLE}, idempotent=True).rows
    try:
        comment = json.loads(rows[0]["comment"])
        return list(comment["deploys"]), int(comment["attempts"])
    except (IndexError, KeyError, TypeError, ValueError):
        return [], 0  # no table yet, no comment, or one of another kind


def _remember(api: DataApi, deploys: list[str], attempts: int) -> None:
    newest = list(dict.fromkeys(deploys))[:_DEPLOYS]
    comment = json.dumps({"deploys": newest, "attempts": attempts}).replace("'", "''")
    api.execute(f"COMMENT ON COLUMN {_TABLE}.chat_vector IS '{comment}'", idempotent=True)
