"""Reading what is larger than the Data API gives at once: an answer has 1 MiB, and a row of it 64 KB."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from stchat.data_api import DataApi
from stchat.data_api.retry import Backoff
from stchat.data_api.values import Row
from stchat.errors import ResultTooLargeError, TransientError

log = logging.getLogger(__name__)

ROWS_A_FETCH = 8  # of 64 KB at most: half of 1 MiB, since how AWS counts that is not known to the byte


def query(api: DataApi, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of a query that may be sent again, in one call; those over 1 MiB through a cursor, in several."""
    tries = Backoff(api.timeout)
    try:
        return api.execute(sql, parameters, idempotent=True).rows
    except ResultTooLargeError:
        log.info("the answer is over 1 MiB: reading it through a cursor, %d rows a call", ROWS_A_FETCH)
    while True:
        try:
            return _through_a_cursor(api.with_timeout(tries.left), sql, parameters)
        except TransientError as error:
            if tries.are_over:
                raise
            log.info("reading from the beginning, after %.0f s: %s", tries.waited, error)
        tries.pause()


def joined(rows: Iterable[Row], *texts: str) -> list[Row]:
    """One row for each primarykey, in the order in which they come. The database gives long `texts` as parts in several
    rows; a text that is NULL is so in its first part."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["primarykey"], []).append(row)
    return [_one(sorted(group, key=lambda row: int(row["part"])), texts) for group in groups.values()]


def _through_a_cursor(api: DataApi, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    with api.transaction() as transaction:
        transaction.execute(f"DECLARE pages NO SCROLL CURSOR FOR {sql}", parameters)
        while page := transaction.execute(f"FETCH {ROWS_A_FETCH} FROM pages").rows:
            rows += page
    return rows


def _one(parts: list[Row], texts: tuple[str, ...]) -> Row:
    first = parts[0]
    return first | {
        name: None if first[name] is None else "".join(part[name] or "" for part in parts) for name in texts
    }
