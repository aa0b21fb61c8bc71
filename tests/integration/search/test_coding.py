"""Codes that are learned from the memories, and memories that are coded anew, while others read and write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from benchmarks.search.candidates import teach
from benchmarks.search.server import write
from stchat.errors import DatabaseError
from stchat.schema import memory_codes
from stchat.schema.execution import RetryLater
from tests.support.migrated_database import MigratedDatabase, copy

ROWS, K = 3_000, 10
USER = "one who speaks like everybody"


def like_a_models(seed: int, count: int) -> NDArray[np.float32]:
    """Vectors as a model's are: far from zero together, so that their signs are nearly the same."""
    chance = np.random.default_rng(seed)
    shared, topics = np.random.default_rng(1).standard_normal((2, 60, 1024))
    mixed = topics[chance.integers(60, size=count)] + 1.2 * chance.standard_normal((count, 1024)) + 4 * shared[0]
    unit: NDArray[np.float32] = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return unit


def rows(vectors: NDArray[np.float32], first: int = 0) -> Iterator[list[bytes]]:
    for number, vector in enumerate(vectors.astype(">f4"), first):
        head = (1024).to_bytes(2, "big") + b"\0\0"
        yield [USER.encode(), b"t", number.to_bytes(8, "big"), b"summary %d" % number, b"\1{}", head + vector.tobytes()]


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return like_a_models(2, ROWS)


@pytest.fixture(scope="module")
def template(migrated: MigratedDatabase, vectors: NDArray[np.float32]) -> Iterator[str]:
    """The name of a database with the vectors as rows, whose codes are not learned."""
    with copy(migrated, "st_chat_db") as name:
        with migrated.endpoint.psql(name) as superuser:
            superuser.execute("TRUNCATE st_chat_history_vector_table RESTART IDENTITY")
            superuser.execute("DELETE FROM st_chat_memory_coding WHERE coding > 0")  # of other tests
            write(superuser, rows(vectors))
            superuser.execute("ANALYZE")
        yield name


@pytest.fixture
def database(migrated: MigratedDatabase, template: str) -> Iterator[MigratedDatabase]:
    """A copy of it."""
    with copy(migrated, template) as name:
        yield MigratedDatabase(
            migrated.endpoint,
            *(api.with_database(name) for api in (migrated.master, migrated.app, migrated.read)),
        )


def application(database: MigratedDatabase) -> psycopg.Connection:
    connection = database.endpoint.psql(database.app.database)
    connection.execute("SET SESSION AUTHORIZATION st_chat_app")
    teach(connection)
    return connection


def recall(connection: psycopg.Connection, vector: NDArray[np.float32]) -> list[int]:
    sql = "SELECT chatid FROM st_chat_recall(%s, %s, %s)"
    return [row[0] for row in connection.execute(sql, [USER, vector, K]).fetchall()]


def right(database: MigratedDatabase, vectors: NDArray[np.float32]) -> float:
    """recall@10 of 20 questions."""
    with application(database) as connection:
        shares = []
        for question in like_a_models(3, 20):
            nearest = set(np.argsort(-(vectors @ question))[:K].tolist())
            shares.append(len(nearest & set(recall(connection, question))) / K)
    return float(np.mean(shares))


def codings(database: MigratedDatabase) -> dict[int, int]:
    """How many memories there are of each coding."""
    sql = """SELECT k.coding, count(c.memory) AS n FROM st_chat_memory_coding AS k
             LEFT JOIN st_chat_memory_code AS c ON c.coding = k.coding GROUP BY k.coding ORDER BY k.coding"""
    return {row["coding"]: row["n"] for row in database.master.execute(sql).rows}


def test_it_is_right_before_it_is_learned_and_after(database: MigratedDatabase, vectors: NDArray[np.float32]) -> None:
    [before] = memory_codes.fits(database.master)
    assert (before.memories, before.learned_of, before.is_to_be_learned) == (ROWS, None, True)
    assert right(database, vectors) == 1
    [after] = memory_codes.keep(database.master)
    assert (after.learned_of, after.codings, after.is_to_be_learned) == (ROWS, 1, False)
    assert after.recall is not None and after.recall >= 0.95
    assert codings(database) == {1: ROWS}
    assert right(database, vectors) >= 0.99
    memory_codes.keep(database.master)
    assert codings(database) == {1: ROWS}, "it is not due again"


def test_too_few_memories_are_nothing_to_learn_from() -> None:
    assert not memory_codes.Fit(999, 1, None, 0, None, None).is_to_be_learned
    assert memory_codes.Fit(1_000, 1, None, 0, None, None).is_to_be_learned
    assert not memory_codes.Fit(7_999, 1, 1_000, 9, 0.95, 0.7).is_to_be_learned
    assert memory_codes.Fit(8_000, 1, 1_000, 9, 1.0, 1.0).is_to_be_learned
    assert memory_codes.Fit(2_000, 1, 1_000, 9, 0.94, 0.7).is_to_be_learned


def test_killed_half_way_it_goes_on(
    database: MigratedDatabase, vectors: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_codes, "ROWS", 1_000)
    with pytest.raises(RetryLater, match="no time is left to this call"):
        memory_codes.keep(database.master, deadline=time.monotonic() - 1)
    assert codings(database) == {0: ROWS, 1: 0}
    [step] = database.master.execute("SELECT after, done, busy FROM st_chat_memory_step(0, 1000)").rows
    assert step == {"after": 1_001, "done": 1_000, "busy": 0}
    assert codings(database) == {0: ROWS - 1_000, 1: 1_000}
    assert right(database, vectors) >= 0.99, "memories of both codings are found"
    assert memory_codes.fits(database.master)[0].is_half_done
    memory_codes.keep(database.master)
    assert codings(database) == {1: ROWS}
    assert right(database, vectors) >= 0.99


def test_readers_and_writers_go_on_meanwhile(
    database: MigratedDatabase, vectors: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_codes, "ROWS", 200)
    done = Event()
    slowest: list[float] = []

    def read() -> int:
        question, asked = vectors[7], 0
        with application(database) as connection:
            while not done.is_set():
                began = time.monotonic()
                assert 7 in recall(connection, question)
                slowest.append(time.monotonic() - began)
                asked += 1
        return asked

    def change() -> int:
        changed = 0
        with database.endpoint.psql(database.app.database) as connection:
            teach(connection)
            while not done.is_set():
                write(connection, rows(like_a_models(100 + changed, 1), ROWS + changed))
                sql = "UPDATE st_chat_history_vector_table SET chat_vector = %s WHERE chatid = %s"
                connection.execute(sql, [like_a_models(900 + changed, 1)[0], 1_000 + changed % 500])
                changed += 1
        return changed

    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(read), pool.submit(change)]
        try:
            memory_codes.keep(database.master)
        finally:
            done.set()
        asked, changed = (one.result() for one in working)
    assert asked > 5 and changed > 5
    assert max(slowest) < 5
    assert codings(database) == {1: ROWS + changed}
    sql = """SELECT count(*) AS wrong FROM st_chat_history_vector_table AS m
             LEFT JOIN st_chat_memory_code AS c ON c.memory = m.primarykey
             LEFT JOIN st_chat_memory_coding AS k ON k.coding = c.coding
             WHERE c.near IS DISTINCT FROM st_chat_memory_near(m.chat_vector, k.low, k.high)"""
    assert database.master.execute(sql).rows == [{"wrong": 0}]


def test_a_writer_of_before_keeps_the_older_coding_until_it_ends(database: MigratedDatabase) -> None:
    """One that looked for the coding before the new one was there, and commits long after."""
    with database.endpoint.psql(database.app.database) as writer:
        writer.autocommit = False
        write(writer, rows(like_a_models(5, 1), ROWS))
        with pytest.raises(RetryLater, match=r"memories are being changed|memories are coded anew"):
            memory_codes.keep(database.master, deadline=time.monotonic() + 15)
        assert codings(database) == {0: 0, 1: ROWS}
        writer.commit()
    assert codings(database) == {0: 1, 1: ROWS}, "it is found all the same"
    memory_codes.keep(database.master)
    assert codings(database) == {1: ROWS + 1}


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO st_chat_memory_coding SELECT 9, low, high FROM st_chat_memory_coding",
        "UPDATE st_chat_memory_coding SET slack = 0",
        "DELETE FROM st_chat_memory_coding",
        "SELECT st_chat_memory_learn()",
        "SELECT * FROM st_chat_memory_fence()",
        "SELECT * FROM st_chat_memory_step(0, 10)",
        "SELECT * FROM st_chat_memory_recode(0, 10)",
        "SELECT st_chat_memory_retire(9)",
        "SELECT * FROM st_chat_memory_fit(1)",
    ],
)
def test_the_application_may_only_read_how_memories_are_coded(migrated: MigratedDatabase, sql: str) -> None:
    codings = "SELECT coding, slack FROM st_chat_memory_coding ORDER BY 1"
    before = migrated.app.execute(codings).rows
    for api in (migrated.app, migrated.read):
        with pytest.raises(DatabaseError) as raised:
            api.execute(sql)
        assert raised.value.sqlstate == "42501"
    assert migrated.app.execute(codings).rows == before
