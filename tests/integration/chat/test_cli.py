"""stchat chat, over the real database and the local Bedrock."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stchat.ops.cli.main import main
from tests.support.migrated_database import MigratedDatabase

pytestmark = pytest.mark.usefixtures("deployed")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(user: str, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(command: str, *words: str) -> tuple[int, str, str]:
        """The exit code, what went to stdout, and to stderr; the user is always the same."""
        code = main(["chat", command, user, *words])
        return code, *capsys.readouterr()

    return run


def answered(run: Run, *words: str) -> list[dict[str, Any]]:
    code, out, _ = run(*words, "--json")
    assert code == 0
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


def test_history(run: Run) -> None:
    turn = ("add", "犬", "1", "--userinput", "名前は?", "--botresponse", "ポチです")
    assert run(*turn)[:2] == (0, "turn: created\n")
    assert run(*turn)[:2] == (0, "turn: already exists\n")
    assert run("add", "犬", "1", "--userinput", "年齢は?") == (
        1,
        "",
        "error: chatid 1 of this user and theme holds another turn, which is unchanged: give the new turn"
        " a chatid of its own\n",
    )
    [kept] = answered(run, "history", "--theme", "犬")
    assert (kept["userinput"], kept["botresponse"]) == ("名前は?", "ポチです")
    assert run("history")[1].splitlines()[0] == "primarykey  theme  chatid  userinput  botresponse  timestamp"
    assert "  犬     1       名前は?    ポチです     20" in run("history")[1]
    assert run("history", "--before", str(kept["primarykey"]))[1] == "(none)\n"
    assert [theme["turns"] for theme in answered(run, "themes")] == [1]
    assert run("delete") == (1, "", "error: this would delete the user's turns of every theme: add --yes to do it\n")
    assert run("delete", "--theme", "猫", "--yes")[1] == "deleted: 0\n"
    assert run("delete", "--yes")[1] == "deleted: 1\n"


def test_memory(run: Run) -> None:
    assert run("remember", "日常", "1", "柴犬の名前はポチ", "--metadata", '{"lang": "ja"}')[1] == "memory: created\n"
    assert run("remember", "日常", "2", "京都へ旅行する")[1] == "memory: created\n"
    assert run("remember", "日常", "2", "京都へ旅行する")[1] == "memory: already exists\n"
    long = "memory: created (longer than the model reads: the rest is stored, and not searched)\n"
    assert run("remember", "日常", "3", "とても長い話" * 500)[1] == long
    [nearest] = answered(run, "recall", "犬の名前は?", "-k", "1")
    assert (nearest["summary"], nearest["metadata"]) == ("柴犬の名前はポチ", {"lang": "ja"})
    assert 0.3 < nearest["similarity"] <= 1
    assert [row["chatid"] for row in answered(run, "recall", "犬", "--metadata", '{"lang": "ja"}')] == [1]
    other = answered(run, "recall", "犬", "--filter", '{"lang": {"$ne": "ja"}}', "--since", "2020-01-01T00:00:00Z")
    assert {row["chatid"] for row in other} == {2, 3}
    aged = answered(run, "recall", "犬", "--until", "2099-01-01T00:00:00Z", "--recency", "0.5", "--half-life", "86400")
    assert aged[0]["chatid"] == 1
    assert answered(run, "recall", "犬", "--theme", "仕事") == []
    [by_words] = answered(run, "recall", "ﾎﾟﾁ", "--mode", "lexical")
    assert (by_words["chatid"], by_words["score"], by_words["similarity"]) == (1, 1.0, None)
    assert run("forget", "--theme", "日常") == (
        1,
        "",
        "error: this would delete the user's memories of theme 日常: add --yes to do it\n",
    )
    assert run("forget", "--chatid", "1", "--yes")[1] == "deleted: 1\n"
    assert run("forget", "--yes")[1] == "deleted: 2\n"


def test_memories_by_id(run: Run) -> None:
    assert run("remember", "日常", "1", "柴犬の名前はポチ", "--id", "a")[1] == "memory: created\n"
    assert (
        run("remember", "日常", "2", "京都へ旅行する", "--expires-at", "2999-01-01T09:00:00+09:00")[1]
        == "memory: created\n"
    )
    assert run("remember", "日常", "3", "柴犬の名前はタマ", "--id", "a")[1] == "memory: already exists\n"
    first, second = answered(run, "list")
    assert (first["id"], first["summary"], first["chatid"]) == ("a", "柴犬の名前はタマ", 3)
    assert second["expires_at"] == "2999-01-01 00:00:00+00:00"
    assert answered(run, "list", "--after", "a", "--theme", "日常", "--limit", "1") == [second]
    assert answered(run, "get", second["id"], "a", "none") == [second, first]
    assert run("list")[1].startswith("id    ")
    assert run("update", second["id"], "--expires-at", "never", "--metadata", '{"n": 1}')[1] == "memory: changed\n"
    assert run("update", "a", "--summary", "柴犬", "--metadata", "null")[1] == "memory: changed\n"
    assert run("update", "none", "--summary", "x") == (1, "no memory has this id\n", "")
    first, second = answered(run, "list")
    assert (first["summary"], second["metadata"], second["expires_at"]) == ("柴犬", {"n": 1}, None)
    assert run("update", "a")[2] == "error: summary must be given, or metadata or expires_at, got none of them\n"
    assert run("forget", "--ids", "a", "--theme", "日常")[2] == (
        "error: --ids must be given without --theme and --chatid, got them too: it names the memories\n"
    )
    assert run("forget", "--ids", "a", second["id"])[1] == "deleted: 2\n"


def test_progress_while_the_cluster_wakes_up(
    run: Run, migrated: MigratedDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    migrated.endpoint.pause()
    assert run("themes")[:2] == (0, "(none)\n")
    assert caplog.messages[0].startswith("waiting for the database, 0 s so far: DatabaseResumingException: ")


def test_without_the_applications_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STCHAT_APP_SECRET_ARN")
    assert run("themes") == (
        1,
        "",
        'error: STCHAT_APP_SECRET_ARN is not set: run eval "$(local-aws env)",'
        " or take it from the outputs of the stacks\n",
    )
