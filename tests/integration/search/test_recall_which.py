"""Recall with filters, times, expiry and age: always as many as there are, of those alone that are asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import psycopg
import pytest

from benchmarks.search.candidates import teach
from benchmarks.search.server import HNSW, write
from stchat.chat import filters
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from tests.support.memory_functions import memory, remember, text, unit
from tests.support.migrated_database import MigratedDatabase
from tests.support.own_sql import as_user, refused_within

TABLE = "st_chat_history_vector_table"
ROWS, START = 1_100, datetime(2026, 1, 1, tzinfo=UTC)
RECALL = """
SELECT chatid, score, similarity FROM st_chat_recall(%(userid)s, %(vector)s, %(k)s, %(theme)s, %(metadata)s, %(text)s,
    %(mode)s, %(filter)s, %(since)s, %(until)s)"""
ASKED: dict[str, Any] = dict.fromkeys(("theme", "metadata", "text", "filter", "since", "until"))


@dataclass(frozen=True)
class Own:
    """A user's memories: memory n has metadata {"n": n}, the theme "ab"[n % 2], and is n hours younger than START."""

    connection: psycopg.Connection
    userid: str

    def recall(self, **asked: Any) -> list[int]:
        values = ASKED | {"userid": self.userid, "k": 10, "mode": "semantic", "vector": vectors()[0]} | asked
        return [row[0] for row in self.connection.execute(RECALL.encode(), values).fetchall()]

    def expire(self, which: str) -> None:
        self.connection.execute(
            f"UPDATE {TABLE} SET expires_at = now() - interval '1 s' WHERE userid = %s AND {which}".encode(),
            [self.userid],
        )


@cache
def vectors() -> Any:
    return np.random.default_rng(5).standard_normal((ROWS, 1024)).astype(np.float32)


@pytest.fixture
def own(migrated: MigratedDatabase, user: str) -> Iterator[Own]:
    """A third of the memories has the codes of a second coding, whose slack is none. Rolled back."""
    head = (1024).to_bytes(2, "big") + b"\0\0"
    with migrated.endpoint.psql(migrated.app.database) as connection, connection.transaction(force_rollback=True):
        teach(connection)
        connection.execute(f"DROP INDEX {HNSW}".encode())  # 10 s otherwise
        write(connection, (
            [user.encode(), b"ab"[n % 2 :][:1], n.to_bytes(8, "big"), b"word summary %d" % n, b'\1{"n": %d}' % n,
             head + vector.astype(">f4").tobytes()]
            for n, vector in enumerate(vectors())
        ))  # fmt: skip
        connection.execute(
            f"UPDATE {TABLE} SET created_at = %s + chatid * interval '1 hour' WHERE userid = %s".encode(), [START, user]
        )
        connection.execute("INSERT INTO st_chat_memory_coding SELECT max(coding) + 1, (array_agg(low))[1],"
                           " (array_agg(high))[1], 0 FROM st_chat_memory_coding")  # fmt: skip
        connection.execute("UPDATE st_chat_memory_code SET coding = (SELECT max(coding) FROM st_chat_memory_coding)"
                           " WHERE userid = %s AND chatid %% 3 = 0", [user])  # fmt: skip
        connection.execute("SET LOCAL SESSION AUTHORIZATION st_chat_app")
        connection.execute("SELECT set_config('stchat.userid', %s, true)", [user])
        yield Own(connection, user)


def test_as_many_come_as_match(own: Own) -> None:
    def asked(n: int, theme: str | None, by: Callable[[int], bool], gone: Callable[[int], bool]) -> bool:
        return (theme is None or theme == "ab"[n % 2]) and by(n) and not gone(n)

    below = {"$or": [{"n": {"$lt": 25}}, {"n": {"$in": [1001, 1002]}}]}
    ways: list[tuple[dict[str, Any], Callable[[int], bool]]] = [
        ({}, lambda n: n >= 0),
        ({"filter": json.dumps(filters.parse(below))}, lambda n: n < 25 or n in (1001, 1002)),
        ({"metadata": '{"n": 7}'}, lambda n: n == 7),
        ({"since": START + timedelta(hours=5), "until": START + timedelta(hours=20)}, lambda n: 5 <= n < 20),
        ({"filter": '["exists", "m", true]'}, lambda n: n < 0),
    ]
    modes = ((15, "semantic"), (100, "hybrid"), (15, "lexical"))
    expired: list[tuple[str, Callable[[int], bool]]] = [
        ("false", lambda n: n < 0),
        ("chatid %% 5 = 0", lambda n: n % 5 == 0),
        ("chatid > 20", lambda n: n % 5 == 0 or n > 20),  # more than 1,000
    ]
    for sql, gone in expired:
        own.expire(sql)
        for (how, by), theme, (k, mode) in product(ways, (None, "a"), modes):
            found = own.recall(**how, theme=theme, k=k, mode=mode, text="the word of summary 7")
            rest = [n for n in range(ROWS) if asked(n, theme, by, gone)]
            assert set(found) <= set(rest), (sql, how, theme, k, mode)
            assert len(set(found)) == len(found) == min(k, len(rest)), (sql, how, theme, k, mode)


def test_the_nearest_of_those_that_match(own: Own) -> None:
    own.expire("chatid %% 7 = 0")
    given = vectors()
    cosines = given @ given[0] / np.linalg.norm(given, axis=1)
    rest = [n for n in range(ROWS) if n % 7 and n < 900]
    nearest = sorted(rest, key=lambda n: -cosines[n])[:10]
    assert own.recall(filter='["lt", "n", 900]')[:3] == nearest[:3]
    assert len(set(own.recall(filter='["lt", "n", 900]')) & set(nearest)) >= 9, "the slack is none"


@pytest.fixture
def by_age(migrated: MigratedDatabase, user: str) -> ChatMemory:
    """Memory n was changed n days ago; all of them are equally far from every question."""
    remember(migrated.app, *(memory(user, n, vector=text(unit("the same"))) for n in range(4)))
    sql = f"UPDATE {TABLE} SET updated_at = now() - chatid * interval '1 day' WHERE userid = :userid"
    migrated.master.execute(sql, {"userid": user})
    return ChatMemory(migrated.app, CohereEmbedder())


def test_the_score_halves_with_each_half_life(by_age: ChatMemory, user: str) -> None:
    aged = by_age.recall_vector(user, unit("the same"), half_life=timedelta(days=1), recency=0.8)
    assert [one.chatid for one in aged] == [0, 1, 2, 3]
    for one in aged:
        assert math.isclose(one.score, 0.2 + 0.8 * 0.5**one.chatid, abs_tol=1e-4)
        assert one.similarity == pytest.approx(1)
    hybrid = by_age.recall_vector(user, unit("the same"), text="summary 3", half_life=86_400, recency=0.1)
    assert (hybrid[0].chatid, hybrid[0].lexical) == (3, 1.0), "words weigh more than that"
    far = by_age.recall_vector(user, [-number for number in unit("the same")], half_life=1, recency=1)
    assert [one.score for one in far] == [one.similarity for one in far], "of less than nothing nothing is taken"


def test_a_weight_of_0_is_the_order_without(by_age: ChatMemory, user: str) -> None:
    for words in (None, "summary 2"):
        plain = by_age.recall_vector(user, unit("another"), text=words)
        assert by_age.recall_vector(user, unit("another"), text=words, half_life=1, recency=0) == plain
        assert [(one.id[:2], one.expires_at, one.created_at is None) for one in plain] == [("m_", None, False)] * 4


def test_a_filter_sees_nothing_of_another_user(migrated: MigratedDatabase, user: str) -> None:
    """Not even by an error, which this filter makes of each row that it is asked about."""
    other = f"other {user}"
    remember(migrated.app, memory(other, metadata={"a": "2026-01-01"}))
    sql = f"""SELECT chatid FROM {TABLE} WHERE st_chat_matches(metadata, '["eq", "a", "no number", true]')"""
    with as_user(migrated, user) as attacker:
        assert attacker.execute(sql).rows == []
    with as_user(migrated, other) as owner:
        assert refused_within(owner, sql) == "22023"
    recalled = ChatMemory(migrated.app, CohereEmbedder())
    assert recalled.recall_vector(user, unit(1), filter={"a": {"$exists": True}}) == []
    assert len(recalled.recall_vector(other, unit(1), filter={"a": {"$exists": True}})) == 1
