"""The ways to find one user's nearest memories that are compared, each as SQL that anyone can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

from benchmarks.search.data import DIMENSIONS, K, Question, Vectors, summary
from benchmarks.search.server import MASTER, MEMORY

APP = "st_chat_app"
SOURCE, OURS, HYBRID = "the original schema's", "ours", "ours, by words too"

# relaxed_order returns a few lists that are not in order: sorted again outside.
RELAXED = """
WITH found AS MATERIALIZED (
    SELECT primarykey, chat_vector <-> %(vector)s AS distance FROM {table}
    WHERE userid = %(userid)s {theme} ORDER BY chat_vector <-> %(vector)s LIMIT {k})
SELECT primarykey FROM found ORDER BY distance"""
PLAINLY = """
SELECT primarykey FROM {table} WHERE userid = %(userid)s {theme} ORDER BY chat_vector <-> %(vector)s LIMIT {k}"""

FIXED = """
CREATE FUNCTION recall_fixed(p_userid text, p_vector vector, p_theme text, p_rerank int) RETURNS SETOF bigint
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    asked bit(2048);
    near bigint[];
BEGIN
    PERFORM set_config('stchat.userid', p_userid, true);
    SELECT st_chat_memory_near(p_vector, k.low, k.high)::bit(2048) INTO asked FROM st_chat_memory_coding AS k;
    near := ARRAY(
        SELECT c.memory FROM st_chat_memory_code AS c
        WHERE c.userid = p_userid AND (p_theme IS NULL OR c.theme = p_theme)
        ORDER BY c.near <~> asked LIMIT p_rerank);
    RETURN QUERY SELECT m.primarykey FROM st_chat_history_vector_table AS m
    WHERE m.primarykey = ANY (near) ORDER BY (m.chat_vector <-> p_vector) + 0 LIMIT 10;
END $$"""


@dataclass(frozen=True)
class Candidate:
    """Each question is planned anew, as each call of the Data API is; within functions, PostgreSQL plans as it likes.

    `database`: "source" (the original schema) or "ours" (all of sql/, but without HNSW, which it does not search);
    `once`: what it makes there; `before` and `after`: while it is measured; `settings`: of its session."""

    name: str
    database: str
    ask: Callable[[bool], str]
    role: str = MASTER
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    settings: Sequence[str] = ()
    once: Sequence[str] = ()


def _filtered(sql: str, table: str) -> Callable[[bool], str]:
    def ask(themed: bool) -> str:
        return sql.format(theme="AND theme = %(theme)s" if themed else "", k=K, table=table)

    return ask


def _ours(_: bool) -> str:
    return f"SELECT primarykey FROM st_chat_recall(%(userid)s, %(vector)s, {K}, %(theme)s::text)"


def _hybrid(_: bool) -> str:
    return (
        f"SELECT primarykey FROM st_chat_recall(%(userid)s, %(vector)s, {K}, %(theme)s::text, NULL, %(text)s, 'hybrid')"
    )


def _fixed(rerank: int) -> Callable[[bool], str]:
    return lambda _: f"SELECT recall_fixed(%(userid)s, %(vector)s, %(theme)s::text, {rerank})"


def partitions(rows: int) -> int:
    """So that each has some thousand rows."""
    return 16 if rows <= 100_000 else 64


def _parted(count: int) -> list[str]:
    return [
        f"CREATE TABLE parted (LIKE {MEMORY}) PARTITION BY HASH (userid)",
        "ALTER TABLE parted ALTER chat_vector SET STORAGE PLAIN",
        *(
            f"CREATE TABLE parted_{n} PARTITION OF parted FOR VALUES WITH (MODULUS {count}, REMAINDER {n})"
            for n in range(count)
        ),
        "GRANT SELECT ON parted TO stchat",
        f"INSERT INTO parted SELECT * FROM {MEMORY}",
        "CREATE INDEX ON parted (userid, theme)",
        "SET maintenance_work_mem = '512MB'",
        "CREATE INDEX ON parted USING hnsw (chat_vector vector_l2_ops)",
        "VACUUM ANALYZE parted",
    ]


def candidates(rows: int) -> list[Candidate]:
    """At a million rows without the partitions, whose graphs take longer than all the rest."""
    by_user, gone = f"CREATE INDEX by_user ON {MEMORY} (userid, theme)", "DROP INDEX by_user"
    count = partitions(rows)
    found = [
        Candidate(SOURCE, "source", _filtered(PLAINLY, MEMORY)),
        Candidate(OURS, "ours", _ours, APP),
        Candidate("codes, rerank 100", "ours", _fixed(100), APP, once=(FIXED,)),
        Candidate("codes, rerank 200", "ours", _fixed(200), APP),
        Candidate(
            "btree + HNSW, relaxed, ef 100", "source", _filtered(RELAXED, MEMORY), before=(by_user,), after=(gone,),
            settings=("SET hnsw.iterative_scan = relaxed_order", "SET hnsw.ef_search = 100"),
        ),
        Candidate("exact by btree", "ours", _filtered(PLAINLY, MEMORY), before=(by_user,), after=(gone,)),
        Candidate(
            f"{count} partitions, HNSW, relaxed, ef 60", "ours", _filtered(RELAXED, "parted"), once=_parted(count),
            settings=("SET hnsw.iterative_scan = relaxed_order", "SET hnsw.ef_search = 60"),
        ),
    ]  # fmt: skip
    return found if rows <= 100_000 else found[:-1]


BY_WORDS_TOO = Candidate(HYBRID, "ours", _hybrid, APP)


class _VectorDumper(Dumper):
    """In binary, as a driver would that knows the type."""

    format = Format.BINARY

    def dump(self, obj: Vectors) -> bytes:
        return DIMENSIONS.to_bytes(2, "big") + b"\0\0" + obj.astype(">f4").tobytes()


def teach(connection: psycopg.Connection) -> None:
    """A connection to send numpy's arrays as vectors."""
    info = TypeInfo.fetch(connection, "vector")
    assert info
    connection.adapters.register_dumper(np.ndarray, type("VectorDumper", (_VectorDumper,), {"oid": info.oid}))


def values(question: Question) -> dict[str, Any]:
    return {"userid": question.userid, "theme": question.theme, "vector": question.vector, "text": asked(question)}


def asked(question: Question) -> str:
    """In words of the nearest memory."""
    return summary(question.nearest[0] - 1)[:100]
