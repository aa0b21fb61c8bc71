"""Memories that move to another embedding model, while others read and write, and the move is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from stchat.chat import ChatMemory, Embedded, Vector
from stchat.errors import StchatError
from stchat.ops import embedding_move
from stchat.ops.cli.main import main
from stchat.ops.embedding_move import Models
from tests.support.memory_functions import refused
from tests.support.migrated_database import MigratedDatabase, copy
from tests.support.own_sql import as_user, refused_within

OLD, NEW = "cohere.embed-multilingual-v3", "cohere.embed-v4:0"
MEMORIES, USERS = 1_050, 3


class Killed(BaseException):
    """As a KeyboardInterrupt, or the end of the process, would be."""


@dataclass(frozen=True)
class Embedder:
    """A model whose vectors have nothing in common with another's. `calls`: after so many calls it is killed."""

    model: str
    dimensions: int = 1024
    calls: list[int] = field(default_factory=lambda: [1_000_000_000])

    def vector(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        numbers = np.random.default_rng([crc32(self.model.encode()), crc32(text.encode())]).standard_normal(1024)
        unit: np.ndarray[Any, np.dtype[np.float32]] = (numbers / np.linalg.norm(numbers)).astype(np.float32)
        return unit

    def documents(self, texts: Sequence[str]) -> Embedded:
        self.calls[0] -= 1
        if self.calls[0] < 0:
            raise Killed
        return Embedded([self.query(text) for text in texts], [])

    def query(self, text: str) -> Vector:
        return [float(number) for number in self.vector(text)]

    def with_timeout(self, _: float) -> Embedder:
        return self


def user(number: int) -> str:
    return f"user {number % USERS}"


def summary(number: int) -> str:
    return f"what user {number % USERS} said as number {number}"


@pytest.fixture
def database(migrated: MigratedDatabase) -> Iterator[MigratedDatabase]:
    with copy(migrated, "st_chat_db") as name:
        apis = (api.with_database(name) for api in (migrated.master, migrated.app, migrated.read))
        found = MigratedDatabase(migrated.endpoint, *apis)
        found.master.execute("TRUNCATE st_chat_history_vector_table RESTART IDENTITY")
        found.master.execute("DELETE FROM st_chat_memory_coding WHERE coding > 0")  # of other tests
        yield found


def memory_of(database: MigratedDatabase, model: str) -> ChatMemory:
    return ChatMemory(database.app, Embedder(model))


def fill(database: MigratedDatabase, count: int = MEMORIES, model: str = OLD) -> None:
    items = [{"userid": user(n), "theme": "t", "chatid": n, "summary": summary(n)} for n in range(count)]
    assert memory_of(database, model).remember_many(items).created == count


def ask(memory: ChatMemory, number: int, *, found: bool = True) -> None:
    """Every similarity is one between vectors of the question's own model."""
    embedder = memory.embedder
    assert isinstance(embedder, Embedder)
    asked = embedder.vector(summary(number))
    answer = memory.recall(user(number), summary(number), k=5, mode="semantic")
    for one in answer:
        assert one.similarity == pytest.approx(float(asked @ embedder.vector(one.summary)), abs=1e-5)
    if found:
        assert answer[0].summary == summary(number)


def until_it_is_done(attempt: Callable[[Embedder], Models], deaths: int = 6) -> Models:
    """Killed after three calls of the model, again and again; then it is left to go on."""
    for _ in range(deaths):
        try:
            return attempt(Embedder(NEW, calls=[3]))
        except Killed:
            continue
    return attempt(Embedder(NEW))


def nothing(done: int, total: int) -> None:
    assert done <= total or total == 0


@contextmanager
def together(*work: Callable[[], None]) -> Iterator[None]:
    """Each again and again in a thread of its own; what fails in one of them fails here."""
    done, failed = threading.Event(), []

    def repeat(one: Callable[[], None]) -> None:
        try:
            while not done.wait(0.3):
                one()
        except BaseException as error:  # noqa: BLE001 (raised below)
            failed.append(error)

    threads = [threading.Thread(target=repeat, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


class Writer:
    """Writes one memory after another, and changes and forgets others."""

    def __init__(self, database: MigratedDatabase, model: str, first: int) -> None:
        self._memory, self._next, self._first = memory_of(database, model), first, first

    def __call__(self) -> None:
        number = self._next
        self._next += 1
        assert self._memory.remember(user(number), "t", number, summary(number))
        if number % 5 == 4:
            assert self._memory.delete(user(number), "t", number) == 1

    @property
    def written(self) -> list[int]:
        return [number for number in range(self._first, self._next) if number % 5 != 4]


def test_readers_and_writers_go_on_while_it_is_killed(database: MigratedDatabase) -> None:
    """20 at work, in every phase: the old model alone; both; the new one alone."""
    fill(database)
    chance = iter(np.random.default_rng(7).integers(0, MEMORIES, 1_000_000).tolist())

    def reader(model: str, *, found: bool) -> Callable[[], None]:
        memory = memory_of(database, model)
        return lambda: ask(memory, next(chance), found=found)

    before = [Writer(database, OLD, 10_000 * n) for n in range(1, 5)]
    with together(*[reader(OLD, found=True)] * 8, *[reader(NEW, found=False)] * 8, *before):
        move = lambda embedder: embedding_move.move(database.master, embedder, 2_048, nothing)  # noqa: E731
        until_it_is_done(move)
    counted = until_it_is_done(move)
    assert counted.missing(NEW) == 0
    assert counted.learned == {NEW}

    after = [Writer(database, NEW, 10_000 * n) for n in range(5, 9)]
    with together(*[reader(OLD, found=True)] * 8, *[reader(NEW, found=True)] * 8, *after):
        time.sleep(0.5)
    with together(*[reader(NEW, found=True)] * 16, *after):
        deaths = iter(range(3))

        def report(done: int, _: int) -> None:
            if done > 300 and next(deaths, None) is not None:
                raise Killed

        finished = until_it_is_done(lambda _: embedding_move.finish(database.master, NEW, report))
    numbers = [*range(MEMORIES), *(number for writer in (*before, *after) for number in writer.written)]
    assert finished.rows[NEW] == finished.memories
    right(database, NEW, numbers)
    for number in numbers[:: len(numbers) // 20]:
        ask(memory_of(database, NEW), number)


def right(database: MigratedDatabase, model: str, numbers: list[int]) -> None:
    """Every row has the model and its vector, a code of that model's coding, and nothing is left of the move."""
    embedder = Embedder(model)
    rows = database.master.execute(
        "SELECT chat_summary, embedding_model, chatid FROM st_chat_history_vector_table"
    ).rows
    assert sorted(row["chatid"] for row in rows) == sorted(numbers)
    assert {row["embedding_model"] or OLD for row in rows} == {model}
    with database.endpoint.psql(database.master.database) as connection:
        for chatid, text in connection.execute("SELECT chatid, chat_vector::text FROM st_chat_history_vector_table"):
            stored = np.array(text.strip("[]").split(","), np.float32)
            assert float(stored @ embedder.vector(summary(chatid))) == pytest.approx(1, abs=1e-4)
    sql = """SELECT count(*) AS wrong FROM st_chat_history_vector_table AS m
             LEFT JOIN st_chat_memory_code AS c ON c.memory = m.primarykey
             LEFT JOIN st_chat_memory_coding AS k ON k.coding = c.coding
             WHERE c.near IS DISTINCT FROM st_chat_memory_near(m.chat_vector, k.low, k.high)
                OR k.model IS DISTINCT FROM m.embedding_model OR k.second"""
    assert database.master.execute(sql).rows == [{"wrong": 0}]
    assert embedding_move.models(database.master).second == {}


def start(database: MigratedDatabase, count: int = 30) -> Models:
    """A few memories, which all have a vector of the new model."""
    fill(database, count)
    found = embedding_move.move(database.master, Embedder(NEW), 2_048, nothing)
    assert (found.rows, found.second, found.missing(NEW)) == ({OLD: count}, {NEW: count}, 0)
    return found


def test_the_way_back_takes_along_what_the_new_model_has_written(database: MigratedDatabase) -> None:
    start(database)
    with pytest.raises(StchatError) as raised:
        embedding_move.move(database.master, Embedder("cohere.embed-english-v3"), 2_048, nothing)
    assert str(raised.value) == (
        "memories move to cohere.embed-v4:0 already, got cohere.embed-english-v3: finish that, or go back: --to the"
        " model of the rows"
    )
    memory_of(database, NEW).remember(user(30), "t", 30, summary(30))
    back = embedding_move.move(database.master, Embedder(OLD), 2_048, nothing)
    assert (back.rows, back.second) == ({OLD: 30, NEW: 1}, {OLD: 1, NEW: 30})
    for number in (7, 30):
        ask(memory_of(database, OLD), number)
    finished = embedding_move.finish(database.master, OLD, nothing)
    assert (finished.rows[OLD], finished.second) == (31, {})
    right(database, OLD, list(range(31)))


def test_the_second_vector_follows_its_memory(database: MigratedDatabase) -> None:
    start(database, 6)
    master = database.master
    table = "st_chat_history_vector_table"
    seconds = f"""SELECT m.chatid, s.theme FROM st_chat_memory_second AS s
                  LEFT JOIN {table} AS m ON m.primarykey = s.memory ORDER BY 1"""
    master.execute(f"DELETE FROM {table} WHERE chatid = 0")
    master.execute(f"UPDATE {table} SET chat_summary = 'another text' WHERE chatid = 1")
    master.execute(f"UPDATE {table} SET theme = 'other', metadata = '{{}}' WHERE chatid = 2")
    assert not memory_of(database, OLD).remember(user(3), "t", 3, summary(3), {"lang": "ja"})
    assert not memory_of(database, NEW).remember(user(4), "t", 4, summary(4)), (
        "it is there, with the old model's vector"
    )
    assert [tuple(row.values()) for row in master.execute(seconds).rows] == [(2, "other"), (3, "t"), (5, "t")]
    found = embedding_move.models(master)
    assert (found.rows, found.second, found.missing(NEW)) == ({OLD: 4, NEW: 1}, {NEW: 3}, 1)
    ask(memory_of(database, NEW), 4)
    master.execute(f"TRUNCATE {table}")
    assert master.execute(seconds).rows == []


def test_what_is_changed_while_it_is_embedded_is_not_stored(database: MigratedDatabase) -> None:
    fill(database, 2)

    class Slow(Embedder):
        def documents(self, texts: Sequence[str]) -> Embedded:
            if any(text == summary(0) for text in texts):
                database.master.execute("UPDATE st_chat_history_vector_table SET chat_summary = 'new' WHERE chatid = 0")
            return super().documents(texts)

    found = embedding_move.move(database.master, Slow(NEW), 2_048, nothing)
    assert (found.second, found.missing(NEW)) == ({NEW: 2}, 0)
    rows = database.master.execute("SELECT vector::text AS text FROM st_chat_memory_second ORDER BY memory").rows
    stored = np.array(rows[0]["text"].strip("[]").split(","), np.float32)
    assert float(stored @ Embedder(NEW).vector("new")) == pytest.approx(1, abs=1e-4)


def test_it_does_not_finish_while_vectors_are_missing(database: MigratedDatabase) -> None:
    start(database, 3)
    memory_of(database, OLD).remember(user(3), "t", 3, summary(3))
    with pytest.raises(StchatError) as raised:
        embedding_move.finish(database.master, NEW, nothing)
    assert str(raised.value) == (
        "1 of 4 memories have no vector of cohere.embed-v4:0: stchat embeddings move --to cohere.embed-v4:0"
    )


def test_a_question_of_a_model_that_no_memory_is_of(database: MigratedDatabase) -> None:
    """By meaning nothing, by words what holds them, without a similarity."""
    fill(database, 3)
    memory = memory_of(database, NEW)
    assert memory.recall(user(1), summary(1), mode="semantic") == []
    [found] = memory.recall(user(1), summary(1))
    assert (found.summary, found.similarity, found.semantic, found.lexical, found.score) == (
        summary(1),
        None,
        None,
        1,
        0.5,
    )


def test_the_application_sees_its_users_second_vectors_and_writes_none(database: MigratedDatabase) -> None:
    start(database, 6)
    with as_user(database, user(1)) as one:
        rows = one.execute("SELECT DISTINCT userid FROM st_chat_memory_second").rows
        assert rows == [{"userid": user(1)}]
        assert one.execute("DELETE FROM st_chat_memory_second").updated == 0
        assert one.execute("UPDATE st_chat_memory_second SET theme = 'x'").updated == 0
        copied = "SELECT 99, userid, theme, model, coding, near, vector FROM st_chat_memory_second"
        insert = f"INSERT INTO st_chat_memory_second {copied}"
        assert refused_within(one, insert) == "42501"
        assert one.execute("DELETE FROM st_chat_history_vector_table").updated == 2
    assert database.app.execute("SELECT FROM st_chat_memory_second").rows == []


@pytest.mark.parametrize(
    "call",
    [
        "st_chat_memory_make_coding('m', true)", "st_chat_embedding_models()", "st_chat_embedding_sample(1)",
        "st_chat_embedding_next('m', 0, 1, 1, 1)", "st_chat_embedding_begin('m')", "st_chat_embedding_put('m', '[]')",
        "st_chat_embedding_recode('m', 0, 1)", "st_chat_embedding_retire('m', true)", "st_chat_embedding_adopt('m')",
        "st_chat_embedding_swap('m', 0, 1)", "st_chat_embedding_drop(1)", "st_chat_memory_vectors",
    ],
)  # fmt: skip
def test_the_move_is_the_owners(migrated: MigratedDatabase, call: str) -> None:
    for api in (migrated.app, migrated.read):
        assert refused(api, f"SELECT * FROM {call}") == "42501"


def test_by_the_command_with_the_local_bedrock(
    database: MigratedDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(database, 3)
    endpoint, profile = database.endpoint, "global.cohere.embed-v4:0"
    for name in ("AWS_ENDPOINT_URL_RDS_DATA", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"):
        monkeypatch.setenv(name, endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", endpoint.cluster_arn)
    monkeypatch.setenv("STCHAT_SECRET_ARN", endpoint.secret_arn)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["embeddings", "--database", database.master.database, *words])
        return code, *capsys.readouterr()

    assert run("status") == (
        0,
        "model                         memories  moved  missing\ncohere.embed-multilingual-v3         3\n",
        "",
    )
    cost = (
        "3 memories to embed by cohere.embed-v4:0: about 21 tokens, estimated from 3 of them; 0.00 USD at 0.00012 USD"
        " for 1,000 tokens (not confirmed: Amazon Bedrock pricing, Cohere Embed 4)\n"
    )
    code, out, err = run("move", "--to", profile)
    assert (code, out, err) == (1, "", f"{cost}error: this would embed them: add --yes to do it\n")
    code, out, err = run("move", "--to", profile, "--yes")
    assert (code, err) == (0, cost)
    assert out == (
        "model                         memories  moved  missing\n"
        "cohere.embed-multilingual-v3         3               0\n"
        "cohere.embed-v4:0                    0      3        0\n"
        "every memory has a vector of cohere.embed-v4:0: deploy the application with that model, run this again for"
        " what was written until then, and then: stchat embeddings finish --to cohere.embed-v4:0\n"
    )
    assert run("status")[0] == 1
    code, out, err = run("finish", "--to", profile, "--yes")
    assert (code, out.splitlines()[-1]) == (0, "cohere.embed-v4:0 is the model of every memory")
    assert run("status")[:2] == (
        0,
        "model                         memories  moved  missing\n"
        "cohere.embed-multilingual-v3         0\n"
        "cohere.embed-v4:0                    3\n",
    )
    code, out, err = run("move", "--to", "titan")
    assert (code, out) == (1, "")
    assert err.startswith("error: --to must be the id or the ARN of one of cohere.embed-multilingual-v3, ")
