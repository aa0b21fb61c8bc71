"""Memory for index builds: by the need, which is the table's size, and the capacity, which the server reports.

With too little of it an HNSW build slows down many times over. An eighth of effective_cache_size, which Aurora
derives from the instance, is what one build may take. How many workers help in it, PostgreSQL derives from both; how
many processors there are, no SQL shows. For builds outside a transaction the same is in non_transactional.py
(docs/decisions/0206).
"""

from __future__ import annotations

from stchat.data_api import Transaction
from stchat.schema.migration import Target, quoted

_SET = """
SELECT set_config('maintenance_work_mem', least(need, capacity) / 1024 || 'kB', true)
FROM (SELECT coalesce(pg_table_size(to_regclass(:table)), 0) * 5 / 4 AS need,
             pg_size_bytes(current_setting('effective_cache_size')) / 8 AS capacity) AS build
WHERE least(need, capacity) > pg_size_bytes(current_setting('maintenance_work_mem'))"""


def for_build(transaction: Transaction, target: Target | None) -> None:
    """Before a CREATE INDEX in a transaction; until its end."""
    if target and target.action == "create index":
        transaction.execute(_SET, {"table": quoted(target.schema, target.table)})
