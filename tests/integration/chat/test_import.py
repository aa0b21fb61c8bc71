"""stchat chat import: turns and memories of a file, once each, and where to continue after a stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.ops.cli.main import main
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

pytestmark = pytest.mark.usefixtures("deployed")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    def run(lines: list[Any], *options: str) -> tuple[int, str, str]:
        file = tmp_path / "rows.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        file.write_text("\n".join(texts) + "\n")
        code = main(["chat", "import", str(file), *options])
        return code, *capsys.readouterr()

    return run


def rows(user: str) -> list[Any]:
    turns = [
        {
            "userid": user,
            "theme": "犬",
            "chatid": n,
            "userinput": f"質問 {n}",
            "timestamp": f"2024-05-0{n}T09:00:00+09:00",
        }
        for n in range(1, 4)
    ]
    memory = {"userid": user, "theme": "犬", "chatid": 1, "summary": "柴犬の名前はポチ", "metadata": {"lang": "ja"}}
    return [*turns, "", memory, memory | {"chatid": 2, "summary": "with a vector", "vector": axis(1)}]


def test_a_file_is_stored_once(run: Run, user: str, migrated: MigratedDatabase) -> None:
    assert run(rows(user))[:2] == (0, "created: 5  already existed: 0\n")
    assert run(rows(user))[:2] == (0, "created: 0  already existed: 5\n")
    turns = ChatHistory(migrated.app).turns(user)
    assert [(turn.chatid, turn.timestamp.isoformat()) for turn in turns][-1] == (1, "2024-05-01T00:00:00+00:00")
    memory = ChatMemory.from_env()
    assert [found.summary for found in memory.recall(user, "犬の名前は?", 1)] == ["柴犬の名前はポチ"]
    assert memory.recall_vector(user, axis(1), 1)[0].summary == "with a vector"


def test_a_wrong_line_stops_it_and_the_lines_before_are_stored(run: Run, user: str, migrated: MigratedDatabase) -> None:
    good = rows(user)
    code, out, err = run([*good[:2], {"userid": user}, good[2]])
    assert (code, out) == (1, "")
    assert err == (
        "error: line 3.theme must be given, got none: every line before 3 is stored: continue with --from-line 3\n"
    )
    assert len(ChatHistory(migrated.app).turns(user)) == 2
    assert run([*good[:2], good[2], good[4]], "--from-line", "3")[:2] == (0, "created: 2  already existed: 0\n")
    twice = '{"userid": "u", "theme": "t", "chatid": 4, "chatid": 5}'
    assert run([good[0], twice], "--check")[2] == (
        "error: line 2 must have each key of an object once, got 'chatid' twice: remove one of them\n"
    )
    assert run([good[0], "{"])[2].startswith("error: line 2 must be a JSON object, got something else: write one")


def test_a_failed_batch_says_where_to_continue(run: Run, user: str, migrated: MigratedDatabase) -> None:
    migrated.endpoint.add_fault(kind="error_before", operation="InvokeModel", error="AccessDeniedException")
    code, _, err = run(rows(user))
    assert code == 1
    assert "AccessDeniedException" in err
    assert err.endswith("every line before 5 is stored: continue with --from-line 5\n")
    assert run(rows(user), "--from-line", "5")[1] == "created: 2  already existed: 0\n"


def test_a_check_sends_nothing(run: Run, user: str, migrated: MigratedDatabase) -> None:
    assert run(rows(user), "--check")[:2] == (0, "every line can be imported: 5 rows; nothing was sent\n")
    code, _, err = run([*rows(user), {"userid": user, "theme": "t", "chatid": "1"}], "--check")
    assert (code, err) == (
        1,
        "error: line 7.chatid must be an integer from 0 to 9223372036854775807, got text of 1 characters\n",
    )
    assert ChatHistory(migrated.app).turns(user) == []


def test_turns_of_another_text_are_named_by_their_lines(run: Run, user: str) -> None:
    good = rows(user)
    run(good[:2])
    code, out, _ = run([good[0], good[1] | {"userinput": "another"}, good[2]])
    assert (code, out) == (
        1,
        "created: 1  already existed: 1\n"
        "not stored, since another turn has their userid, theme and chatid: 1 turns, lines 2\n",
    )
