"""Memory for index builds: by the need, which is the table's size, and the capacity, which the server tells.

With too little of it an HNSW build slows down many times over. An eighth of effective_cache_size, which Aurora
derives from the instance, is what one build may take. How many workers help in it, PostgreSQL derives from both; how
many processors there are, no SQL tells. For builds that run alone the same is in alone.py (docs/decisions/0206).
"""

from __future__ import annotations

import re

from stchat.data_api import Transaction

_INDEX = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s(?:.*?\s)?ON\s+(?:ONLY\s+)?(?P<table>[\w.\"]+)", re.IGNORECASE | re.DOTALL
)

_SET = """
SELECT set_config('maintenance_work_mem', least(need, capacity) / 1024 || 'kB', true)
FROM (SELECT coalesce(pg_table_size(to_regclass(:table)), 0) * 5 / 4 AS need,
             pg_size_bytes(current_setting('effective_cache_size')) / 8 AS capacity) AS build
WHERE least(need, capacity) > pg_size_bytes(current_setting('maintenance_work_mem'))"""


def for_build(transaction: Transaction, statement: str) -> None:
    """Before a CREATE INDEX in a transaction; until its end."""
    if found := _INDEX.match(statement):
        transaction.execute(_SET, {"table": found["table"]})
