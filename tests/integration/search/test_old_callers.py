"""Migrations from 0023 on, while callers of the code from before go on: their SQL gets no error, their rows get ids."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stchat.data_api import DataApi
from stchat.handlers.schema import SQL
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load
from tests.support.memory_functions import memory, text, unit
from tests.support.migrated_database import DATABASE, MigratedDatabase

NAME = "before_ids"
OLD = 22  # the last migration that the callers know
CALLS: dict[str, str] = {
    "add": "SELECT st_chat_add_turn(:userid, 't', :n, 'a'::text, NULL::text) AS outcome",
    "add many": "SELECT item, outcome FROM st_chat_add_turns(:turns::jsonb)",
    "turns": """SELECT primarykey, themename AS theme, chatid, "timestamp", part, userinput, botresponse
        FROM st_chat_turns(:userid, NULL::text, 50, NULL::bigint)""",
    "themes": "SELECT themename AS theme, turns, latest FROM st_chat_themes(:userid)",
    "remember": "SELECT item, written FROM st_chat_remember(:items::jsonb)",
    "recall": """SELECT primarykey, theme, chatid, metadata, similarity, part, chat_summary, score, semantic, lexical
        FROM st_chat_recall(:userid, :vector::vector, 5, NULL::text, NULL::jsonb, 'summary'::text, 'hybrid')""",
    "forget": "SELECT st_chat_forget(:userid, 'none'::text, NULL::bigint) AS deleted",
    "delete": "SELECT st_chat_delete_turns(:userid, 'none'::text) AS deleted",
}


def apply(api: DataApi, folder: Path) -> None:
    assert Runner(api, load(folder).migrations, folder, "test").apply()


@pytest.fixture
def before(migrated: MigratedDatabase, tmp_path: Path) -> Iterator[tuple[MigratedDatabase, Path]]:
    """A database of the same cluster as it was before ids."""
    with migrated.endpoint.psql() as superuser:
        superuser.execute(f"CREATE DATABASE {NAME} OWNER {migrated.endpoint.master}")
    files = tmp_path / "sql" / NAME
    files.mkdir(parents=True)
    for file in sorted((SQL / DATABASE).glob("*.sql"))[:OLD]:
        shutil.copy(file, files)
    apis = {role: getattr(migrated, role).with_database(NAME) for role in ("master", "app", "read")}
    apply(apis["master"], tmp_path / "sql")
    yield MigratedDatabase(migrated.endpoint, **apis), files
    with migrated.endpoint.psql() as superuser:
        superuser.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def test_old_callers_go_on_while_it_is_migrated(before: tuple[MigratedDatabase, Path], user: str) -> None:
    database, files = before
    done: Counter[str] = Counter()
    errors: list[str] = []
    ended = threading.Event()

    def call(name: str) -> None:
        number = 0
        while not ended.is_set() or number < 20:
            number += 1
            turn = {"userid": user, "theme": "many", "chatid": number}
            parameters: dict[str, Any] = {
                "userid": user, "n": number, "turns": [turn], "vector": text(unit("t 1")),
                "items": [memory(user, number % 20, metadata={"n": number})],
            }  # fmt: skip
            used = {key: value for key, value in parameters.items() if f":{key}" in CALLS[name]}
            try:
                database.app.execute(CALLS[name], used, idempotent=True)
            except Exception as error:  # noqa: BLE001 (each is a failure of the test)
                errors.append(f"{name}: {error}")
            done[name] += 1

    threads = [threading.Thread(target=call, args=(name,)) for name in CALLS]
    for thread in threads:
        thread.start()
    for file in sorted((SQL / DATABASE).glob("*.sql"))[OLD:]:
        shutil.copy(file, files)
    apply(database.master, files.parent)
    ended.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(done) == set(CALLS)
    columns = "count(DISTINCT id) AS ids, count(*) AS n, min(id) ^@ 'm_' AS made"
    sql = f"SELECT {columns} FROM st_chat_memory_list(:u, NULL, NULL, NULL, 99)"
    assert database.app.execute(sql, {"u": user}).rows == [{"ids": 20, "n": 20, "made": True}]
