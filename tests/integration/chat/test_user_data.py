"""stchat user: a user's rows as a file and back, and away from every table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stchat.chat import ChatHistory, ChatMemory
from stchat.data_api import DataApi
from stchat.ops.cli.main import main
from stchat.ops.user_data import TABLES
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

pytestmark = pytest.mark.usefixtures("deployed")
Run = Callable[..., tuple[int, str, str]]

_COLUMNS = """
SELECT a.attrelid::regclass::text AS table, quote_ident(a.attname) AS column, a.atttypid = 'bytea'::regtype AS binary
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND a.attnum > 0 AND NOT a.attisdropped
  AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype, 'json'::regtype,
                     'jsonb'::regtype, 'bytea'::regtype)"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def filled(user: str, migrated: MigratedDatabase) -> str:
    """Long texts, several pages of memories, and one of each at a time of its own."""
    history, memory = ChatHistory(migrated.app), ChatMemory.from_env()
    history.add_many(
        [
            {"userid": user, "theme": "犬", "chatid": 1, "userinput": "長い " * 9_000, "botresponse": None},
            {
                "userid": user,
                "theme": "犬",
                "chatid": 2,
                "userinput": "名前は?",
                "timestamp": "2024-05-02T09:00:00+09:00",
            },
        ]
    )
    items = [
        {"userid": user, "theme": "犬", "chatid": n, "summary": f"memory {n} of a dog", "vector": axis(n, n / 90)}
        for n in range(90)
    ]
    memory.remember_many(items)
    memory.remember(user, "cat", 7, "long " * 9_000, {"lang": "en"}, axis(500), id="my own")
    return user


def found(migrated: MigratedDatabase, userid: str) -> list[str]:
    """Every column of every table of the database that holds the id somewhere."""
    columns = migrated.master.execute(_COLUMNS).rows
    holds = "position(:id in {column}::text) > 0"
    holds_bytes = "position(convert_to(:id, 'UTF8') in {column}) > 0"
    return [
        f"{row['table']}.{row['column']}"
        for row in columns
        if migrated.master.execute(
            f"SELECT count(*) AS n FROM {row['table']}"
            f" WHERE {(holds_bytes if row['binary'] else holds).format(column=row['column'])}",
            {"id": userid},
        ).rows[0]["n"]
    ]


def answers(user: str) -> list[Any]:
    memory = ChatMemory.from_env()
    return [
        [(one.id, one.summary, one.metadata, one.score, one.created_at) for one in recalled]
        for n in range(25)
        for recalled in (memory.recall_vector(user, axis(n * 3, 0.4), 5), memory.recall(user, f"memory {n} dog", 5))
    ]


def test_every_table_has_a_rule(migrated: MigratedDatabase) -> None:
    tables = migrated.master.execute(
        "SELECT relname::text AS name FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    ).rows
    assert {row["name"] for row in tables} == set(TABLES)
    for table, rule in TABLES.items():
        if rule.owner:
            migrated.master.execute(f"SELECT {rule.owner} FROM {table} LIMIT 0")


def test_export_erase_and_import_give_the_same_answers(
    run: Run, filled: str, tmp_path: Path, migrated: MigratedDatabase
) -> None:
    file = tmp_path / "user.jsonl"
    before = answers(filled), ChatHistory(migrated.app).turns(filled)
    assert len(before[0]) == 50
    assert run("user", "export", filled, str(file)) == (0, f"{file}: 2 turns, 91 memories\n", "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("user", "erase", filled, "--yes")[0] == 0
    assert found(migrated, filled) == []
    assert run("chat", "import", str(file))[:2] == (0, "created: 93  already existed: 0\n")
    after = answers(filled), ChatHistory(migrated.app).turns(filled)
    assert after[0] == before[0]
    assert [(turn.userinput, turn.timestamp) for turn in after[1]] == [
        (turn.userinput, turn.timestamp) for turn in before[1]
    ]


def test_an_import_keeps_every_memory_and_what_is_newer(run: Run, user: str, tmp_path: Path) -> None:
    """Two memories that an update has made equal stay two; a file of before does not undo what came after it."""
    memory, file = ChatMemory.from_env(), tmp_path / "user.jsonl"
    for summary, axis_of in (("A", 1), ("B", 2)):
        memory.remember(user, "t", 1, summary, {"first": summary}, axis(axis_of))
    first, second = memory.list(user)
    memory.update(user, second.id, summary="A")
    before = memory.list(user)
    assert run("user", "export", user, str(file))[0] == 0
    assert run("user", "erase", user, "--yes")[0] == 0
    assert run("chat", "import", str(file))[1] == "created: 2  already existed: 0\n"
    kept = [(one.id, one.summary, one.metadata, one.updated_at) for one in before]
    assert [(one.id, one.summary, one.metadata, one.updated_at) for one in memory.list(user)] == kept
    memory.update(user, first.id, summary="C")
    assert run("chat", "import", str(file))[1] == "created: 0  already existed: 2\n"
    assert [one.summary for one in memory.list(user)] == ["C", "A"]


def test_the_lines_of_an_export(run: Run, filled: str, tmp_path: Path) -> None:
    file = tmp_path / "user.jsonl"
    run("user", "export", filled, str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[1] == {
        "userid": filled,
        "theme": "犬",
        "chatid": 2,
        "userinput": "名前は?",
        "timestamp": "2024-05-02T00:00:00+00:00",
    }
    last = lines[-1]
    assert len(last.pop("vector")) == 1024
    assert set(last) == {"userid", "id", "theme", "chatid", "summary", "metadata", "created_at", "updated_at"} | {
        "embedding_model"
    }
    assert ("my own", last["summary"], last["metadata"]) == (last["id"], "long " * 9_000, {"lang": "en"})
    code, _, error = run("user", "export", filled, str(file))
    assert (code, error) == (1, f"error: {file} exists already: choose another file, or remove it\n")


def test_what_stops_an_export_leaves_no_file(run: Run, filled: str, tmp_path: Path, migrated: MigratedDatabase) -> None:
    migrated.endpoint.add_fault("error_before", operation="ExecuteStatement", error="AccessDeniedException")
    assert run("user", "export", filled, str(tmp_path / "user.jsonl"))[0] == 1
    assert list(tmp_path.iterdir()) == []


def test_an_erasure_is_asked_for_and_has_a_receipt(run: Run, filled: str, migrated: MigratedDatabase) -> None:
    another = f"{filled} too"
    ChatHistory(migrated.app).add(another, "犬", 1, "mine", None)
    code, _, error = run("user", "erase", filled)
    assert (code, error) == (
        1,
        "error: this would delete all rows of this user (2 in st_chat_history_table,"
        " 91 in st_chat_history_vector_table, 91 in st_chat_memory_code, 91 in st_chat_memory_words):"
        " add --yes to do it\n",
    )
    code, out, error = run("user", "erase", filled, "--yes", "--json")
    receipt = json.loads(out)
    assert (code, filled in out, filled in error) == (0, False, False)
    assert {name: rows for name, rows in receipt["rows"].items() if rows} == {
        "st_chat_history_table": 2,
        "st_chat_history_vector_table": 91,
        "st_chat_memory_code": 91,
        "st_chat_memory_words": 91,
    }
    assert len(ChatHistory(migrated.app).turns(another)) == 1
    assert run("user", "erase", filled, "--yes")[1].splitlines()[1:4] == [
        "table                         rows",
        "st_chat_history_table            0",
        "st_chat_history_vector_table     0",
    ]


@pytest.mark.parametrize("kind", ["error_before", "error_after", "drop_after"])
def test_lost_answers_in_the_middle_of_an_erasure(run: Run, filled: str, migrated: MigratedDatabase, kind: str) -> None:
    migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="DELETE", count=1)
    migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="count", count=1)
    migrated.endpoint.add_fault(kind, operation="CommitTransaction", count=1)
    code, out, error = run("user", "erase", filled, "--yes")
    assert (code, found(migrated, filled)) == (0, []), error
    assert "st_chat_history_vector_table    91" in out


def test_row_security_holds_while_a_user_is_erased(filled: str, app: DataApi) -> None:
    with app.transaction() as transaction:
        transaction.execute("SELECT st_chat_as(:userid)::text", {"userid": f"{filled} too"})
        deleted = transaction.execute(
            "DELETE FROM st_chat_history_table WHERE userid = :userid", {"userid": filled}
        ).updated
    assert deleted == 0


@pytest.fixture
def app(migrated: MigratedDatabase) -> DataApi:
    return migrated.app
