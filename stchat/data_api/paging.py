"""Reading what is larger than one response of the Data API: it has 1 MiB, and a row of it 64 KB by AWS's guide."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from stchat.data_api.database import Database
from stchat.data_api.retry import Backoff, retry
from stchat.data_api.values import Row
from stchat.errors import ResultTooLargeError, TransientError

log = logging.getLogger(__name__)

ROWS_PER_FETCH = 8  # of 64 KB at most: half of 1 MiB, since AWS does not document how it counts


def query(api: Database, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of an idempotent query, in one call; those over 1 MiB through a cursor, in several."""
    backoff = Backoff(api.timeout)
    try:
        return api.execute(sql, parameters, idempotent=True).rows
    except ResultTooLargeError:
        log.info("the response is over 1 MiB: reading it through a cursor, %d rows per call", ROWS_PER_FETCH)
    return retry(
        lambda: _through_a_cursor(api.with_timeout(backoff.left), sql, parameters),
        backoff,
        lambda error: isinstance(error, TransientError),
        "the database, to read from the beginning",
    )


def joined(rows: Iterable[Row], *texts: str) -> list[Row]:
    """One row for each primarykey, in the order in which they come. The database gives long `texts` as parts in several
    rows; a text that is NULL is so in its first part."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["primarykey"], []).append(row)
    return [_one(sorted(group, key=lambda row: int(row["part"])), texts) for group in groups.values()]


def _through_a_cursor(api: Database, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    with api.transaction() as transaction:
        transaction.execute(f"DECLARE pages NO SCROLL CURSOR FOR {sql}", parameters)
        while page := transaction.execute(f"FETCH {ROWS_PER_FETCH} FROM pages").rows:
            rows += page
    return rows


def _one(parts: list[Row], texts: tuple[str, ...]) -> Row:
    first = parts[0]
    return first | {
        name: None if first[name] is None else "".join(part[name] or "" for part in parts) for name in texts
    }
