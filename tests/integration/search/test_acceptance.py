"""The benchmark's acceptance criteria on few rows: recall and numbers of rows, over the original schema."""

from __future__ import annotations

import shutil
import statistics
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from benchmarks.search.candidates import teach, values
from benchmarks.search.data import GROUPS, Dataset, recall
from benchmarks.search.server import HNSW, MEMORY, OLD, write
from stchat.handlers.schema import SQL
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load
from tests.support.memory_functions import memory, remember, text, unit
from tests.support.migrated_database import MigratedDatabase

ROWS, DOUBLES = 10_000, 5
OUR = "SELECT primarykey FROM st_chat_recall(%(userid)s, %(vector)s, 10, %(theme)s::text)"
OLD_ROW = f"""
INSERT INTO {MEMORY} (userid, theme, chatid, chat_summary, chat_vector)
SELECT 'twice', 't', 1, 'said twice', :vector::vector FROM generate_series(1, :times::int)"""


WRITTEN_MEANWHILE = f"""
INSERT INTO {MEMORY} (userid, theme, chatid, chat_summary, chat_vector)
VALUES ('meanwhile', 't', %(n)s, 's', %(vector)s::vector)"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(ROWS, tmp_path_factory.mktemp("vectors"))


@pytest.fixture(scope="module")
def database(migrated: MigratedDatabase, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The original schema, with memories, five of which are the same; then brought up to date as by a deploy."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    sql = tmp_path_factory.mktemp("sql")
    files = sorted((SQL / "st_chat_db").iterdir())
    migrated.master.execute(f"CREATE DATABASE {name}")
    api = migrated.master.with_database(name)
    for number, file in enumerate(files, 1):
        (sql / name).mkdir(exist_ok=True)
        shutil.copy(file, sql / name)
        if number == OLD:
            assert Runner(api, load(sql).migrations, sql, "old").apply()
            api.execute(f"DROP INDEX {HNSW}")
            with migrated.endpoint.psql(name) as superuser:
                write(superuser, dataset.written())
            api.execute(OLD_ROW, {"vector": text(unit(1)), "times": DOUBLES})
    with ThreadPoolExecutor(1) as pool:
        done = Event()
        application = pool.submit(_keep_writing, migrated, name, done)
        assert Runner(api, load(sql).migrations, sql, "new").apply()
        done.set()
        assert application.result() > 10
    yield name
    with migrated.endpoint.psql() as superuser:
        superuser.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _keep_writing(migrated: MigratedDatabase, database: str, done: Event) -> int:
    """The application of before, which knows nothing of the new functions, while the migrations run."""
    written = 0
    with migrated.endpoint.psql(database) as connection:
        while not done.is_set():
            written += connection.execute(WRITTEN_MEANWHILE, {"n": written, "vector": text(unit(1))}).rowcount
    return written


def as_application(migrated: MigratedDatabase, database: str) -> psycopg.Connection:
    connection = migrated.endpoint.psql(database)
    connection.execute("SET SESSION AUTHORIZATION st_chat_app")
    teach(connection)
    return connection


def test_an_old_tables_rows_are_all_there(migrated: MigratedDatabase, database: str) -> None:
    api = migrated.master.with_database(database)
    [count] = api.execute(f"""
        SELECT (SELECT count(*) FROM {MEMORY}) AS memories, (SELECT count(*) FROM st_chat_memory_code) AS codes,
               (SELECT count(*) FROM {MEMORY} AS m JOIN st_chat_memory_code AS c ON c.memory = m.primarykey
                WHERE (c.userid, c.theme, c.chatid) = (m.userid, m.theme, m.chatid)
                  AND c.near = st_chat_memory_near(m.chat_vector, k.low, k.high)) AS right_codes
        FROM st_chat_memory_coding AS k""").rows
    assert count["memories"] == count["codes"] == count["right_codes"] > ROWS + DOUBLES + 10
    assert api.execute("SELECT st_chat_memory_fill(1) AS n").rows == [{"n": 0}], "and there is nothing left to do"


def test_old_doubles_stay_and_are_not_doubled_again(migrated: MigratedDatabase, database: str) -> None:
    api, app = migrated.master.with_database(database), migrated.app.with_database(database)
    same = memory("twice", 1, summary="said twice", vector=text(unit(1)))
    assert remember(app, same) == [False]
    assert api.execute(OLD_ROW, {"vector": text(unit(1)), "times": 1}).updated == 0
    sql = "SELECT * FROM st_chat_recall('twice', :vector::vector, 10)"
    assert len(app.execute(sql, {"vector": text(unit(1))}).rows) == DOUBLES
    assert app.execute("SELECT st_chat_forget('twice', 't', 1) AS n").rows == [{"n": DOUBLES}]
    assert remember(app, same) == [True]


@pytest.mark.parametrize("setting", ["auto", "force_generic_plan"])
@pytest.mark.parametrize("maintained", [False, True], ids=["no statistics, nothing vacuumed", "vacuumed and analyzed"])
def test_recall(migrated: MigratedDatabase, database: str, dataset: Dataset, setting: str, maintained: bool) -> None:
    with migrated.endpoint.psql(database) as superuser:
        if maintained:
            superuser.execute("VACUUM ANALYZE")
    with as_application(migrated, database) as connection:
        connection.execute(f"SET plan_cache_mode = {setting}".encode())
        for group in (*GROUPS, "narrow"):
            for themed in (False, True):
                questions = dataset.questions(group, 10, themed=themed)
                recalls = []
                for question in questions:
                    found = [row[0] for row in connection.execute(OUR, values(question)).fetchall()]
                    assert len(found) == len(question.nearest)
                    recalls.append(recall(question, found))
                assert statistics.fmean(recalls) >= 0.99, (group, themed)
                assert min(recalls) >= 0.5, (group, themed)


def test_first_memories_are_found_at_once(migrated: MigratedDatabase, database: str) -> None:
    """In a session whose plans are from before the table had them."""
    app = migrated.app.with_database(database)
    assert remember(app, *(memory("new here", chatid) for chatid in range(3))) == [True] * 3
    sql = "SELECT chatid FROM st_chat_recall('new here', :vector::vector, 10)"
    assert app.execute(sql, {"vector": text(unit("t 2"))}).rows[0] == {"chatid": 2}
