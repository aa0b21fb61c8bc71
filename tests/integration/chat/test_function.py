"""The chat function's handler over the real database and the local Bedrock, with what goes wrong on AWS."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

import pytest

from stchat.handlers import chat
from tests.support.lambda_context import LambdaContext
from tests.support.migrated_database import MigratedDatabase

pytestmark = pytest.mark.usefixtures("deployed")
SUMMARIES = {
    1: "ユーザーは柴犬を飼っていて、名前はポチ。",
    2: "来月、家族と京都へ旅行する計画を立てている。",
    3: "The daughter's birthday is on July 3 and a present is being looked for.",
}


def invoke(operation: str, *, seconds: float = 60, **fields: Any) -> dict[str, Any]:
    """Through JSON, as Lambda passes both."""
    event = json.loads(json.dumps({"operation": operation} | fields))
    answer: dict[str, Any] = json.loads(json.dumps(chat.handler(event, LambdaContext(seconds))))
    return answer


def test_history(user: str) -> None:
    turn: dict[str, Any] = {
        "userid": user,
        "themename": "犬",
        "chatid": 1,
        "userinput": "名前は?",
        "botresponse": "ポチです",
    }
    assert invoke("add", **turn) == {"status": 200, "written": True}
    assert invoke("add", **turn) == {"status": 200, "written": False}
    conflict = invoke("add", **turn | {"botresponse": "タマです"})
    assert (conflict["status"], "give the new turn a chatid of its own" in conflict["error"]) == (409, True)
    [kept] = invoke("turns", userid=user)["turns"]
    assert {name: kept[name] for name in turn if name != "userid"} | {"userid": user} == turn
    assert kept["timestamp"].endswith("+00:00")
    [theme] = invoke("themes", userid=user)["themes"]
    assert (theme["themename"], theme["turns"]) == ("犬", 1)
    assert invoke("turns", userid=user, before=kept["primarykey"])["turns"] == []
    assert invoke("delete", userid=user, themename="犬") == {"status": 200, "deleted": 1}


def test_memory(user: str) -> None:
    items: list[dict[str, Any]] = [
        {"userid": user, "theme": "日常", "chatid": chatid, "summary": summary, "metadata": {"chatid": chatid}}
        for chatid, summary in SUMMARIES.items()
    ]
    assert invoke("remember", **items[0]) == {"status": 200, "written": True}
    assert invoke("remember_many", items=items) == {"status": 200, "written": 2, "known": 1, "cut": []}
    first, *others = invoke("recall", userid=user, query="犬の名前は?")["memories"]
    assert (first["summary"], first["theme"], first["metadata"]) == (SUMMARIES[1], "日常", {"chatid": 1})
    assert first["similarity"] > 0.3 > others[0]["similarity"]
    assert [memory["chatid"] for memory in invoke("recall", userid=user, query="a present", k=1)["memories"]] == [3]
    by_metadata = invoke("recall", userid=user, query="犬", metadata={"chatid": 2})["memories"]
    assert [memory["chatid"] for memory in by_metadata] == [2]
    which: dict[str, Any] = {"filter": {"chatid": {"$gt": 2}}, "recency": 1, "half_life": 60}
    [filtered] = invoke("recall", userid=user, query="犬", **which)["memories"]
    assert (filtered["chatid"], filtered["id"][:2], filtered["created_at"][-6:]) == (3, "m_", "+00:00")
    assert invoke("recall", userid=user, query="犬", until="2020-01-01T00:00:00Z")["memories"] == []
    assert invoke("recall", userid=user, vector=[1.0] * 1024, k=2, text="犬")["status"] == 200
    assert invoke("recall", userid=user, query="qwxyz", mode="lexical")["memories"] == []
    assert invoke("recall", userid=f"{user}'s neighbour", query="犬の名前は?")["memories"] == []
    assert invoke("forget", userid=user, theme="日常", chatid=1) == {"status": 200, "forgotten": 1}
    assert invoke("forget", userid=user) == {"status": 200, "forgotten": 2}


def test_memories_by_id(user: str) -> None:
    item: dict[str, Any] = {"userid": user, "theme": "日常", "chatid": 1, "summary": SUMMARIES[1]}
    expires: dict[str, Any] = {"expires_at": "2999-01-01T09:00:00+09:00"}
    assert invoke("remember", **item, id="a", **expires) == {"status": 200, "written": True}
    assert invoke("remember_many", items=[item | {"id": "b"}, item])["written"] == 2
    assert invoke("remember", **item | {"chatid": 2}, id="a", **expires) == {"status": 200, "written": False}
    [first] = invoke("get", userid=user, ids=["a", "none"])["memories"]
    assert (first["id"], first["chatid"], first["expires_at"]) == ("a", 2, "2999-01-01T00:00:00+00:00")
    assert first["created_at"] < first["updated_at"]
    assert (first["score"], first["metadata"]) == (None, None)
    assert [one["id"] for one in invoke("list", userid=user, theme="日常", limit=2)["memories"]] == ["a", "b"]
    [last] = invoke("list", userid=user, after="b")["memories"]
    assert last["id"].startswith("m_")
    assert invoke("update", userid=user, id="a", summary="changed", metadata={"n": 1}) == {"status": 200, "found": True}
    assert invoke("update", userid=user, id="a", expires_at=None, metadata=None)["found"]
    [changed] = invoke("get", userid=user, ids=["a"])["memories"]
    assert (changed["summary"], changed["metadata"], changed["expires_at"]) == ("changed", None, None)
    assert invoke("update", userid=user, id="none", metadata={}) == {"status": 200, "found": False}
    assert invoke("list", userid=user, after="none") == {
        "status": 400,
        "error": "after must be the id of a memory of this user, got text of 4 characters: it may have been deleted:"
        " its primarykey serves as well",
        "field": "after",
    }
    assert invoke("forget", userid=user, ids=None)["error"] == "ids must be a list of ids, got None"
    assert invoke("forget", userid=user, ids=["a", "b", "none"]) == {"status": 200, "forgotten": 2}
    assert invoke("add", userid=user, themename="t", chatid=1, expires_at="2000-01-01T00:00:00Z")["written"]
    assert invoke("turns", userid=user)["turns"] == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("chatid", "1", "chatid must be an integer from 0 to 9223372036854775807, got text of 1 characters"),
        ("chatid", True, "chatid must be an integer from 0 to 9223372036854775807, got True"),
        ("chatid", 2**63, "chatid must be an integer from 0 to 9223372036854775807, got 9223372036854775808"),
        ("userid", "", "userid must not be empty, got ''"),
        ("userid", None, "userid must be text, got None"),
        ("theme", "a\0", "theme must not hold NUL, which PostgreSQL cannot store, got one at character 2: remove it"),
        ("summary", 1, "summary must be text, got 1"),
        ("metadata", [1], "metadata must be a JSON object, such as a dict, got list"),
        ("vector", "犬", "vector must be 1,024 numbers, got str of something else"),
    ],
)
def test_a_wrong_field_is_named(user: str, field: str, value: Any, message: str) -> None:
    item: dict[str, Any] = {"userid": user, "theme": "t", "chatid": 1, "summary": "s"} | {field: value}
    assert invoke("remember", **item) == {"status": 400, "error": message, "field": field}
    many = invoke("remember_many", items=[item])
    assert (many["status"], many["field"]) == (400, f"items[0].{field}")


def test_paused_for_longer_than_the_time_it_has_then_running(migrated: MigratedDatabase, user: str) -> None:
    migrated.endpoint.pause()
    paused = invoke("themes", seconds=chat.RESERVE_SECONDS, userid=user)
    assert (paused["status"], paused["retry_after"]) == (503, 5)
    assert invoke("themes", userid=user) == {"status": 200, "themes": []}


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"kind": "throttle", "operation": "ExecuteStatement"}, 429),
        ({"kind": "throttle", "operation": "InvokeModel"}, 429),
        ({"kind": "error_before", "operation": "InvokeModel"}, 503),
        ({"kind": "error_after", "operation": "ExecuteStatement"}, 503),
        ({"kind": "drop_after", "operation": "ExecuteStatement"}, 503),
    ],
    ids=str,
)
def test_what_passes_is_waited_for_and_then_said(
    migrated: MigratedDatabase, user: str, rule: dict[str, Any], status: int
) -> None:
    memory: dict[str, Any] = {"userid": user, "theme": "t", "chatid": 1, "summary": SUMMARIES[1]}
    migrated.endpoint.add_fault(**rule)
    assert invoke("remember", **memory)["status"] == 200, "one fault is lived through"
    migrated.endpoint.add_fault(**rule, count=-1)
    assert invoke("remember", seconds=chat.RESERVE_SECONDS, **memory)["status"] == status
    migrated.endpoint.clear_faults()
    assert invoke("remember", **memory) == {"status": 200, "written": False}


def test_long_texts_come_back_whole_or_not_at_all(user: str) -> None:
    for chatid in range(9):
        text = f"{chatid}" + "犬" * 130_000
        assert invoke("add", userid=user, themename="t", chatid=chatid, userinput=text, botresponse=text)["written"]
    [turn] = invoke("turns", userid=user, limit=1)["turns"]
    assert turn["userinput"] == turn["botresponse"] == "8" + "犬" * 130_000
    assert invoke("turns", userid=user)["status"] == 413


def test_no_user_no_text_and_no_vector_is_in_the_logs(
    migrated: MigratedDatabase, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every operation, and every way to fail, at the level that Lambda logs at."""
    secret = f"canary-{uuid.uuid4().hex}"
    vector = [0.123456789] * 1024
    memory: dict[str, Any] = {"userid": user, "theme": secret, "chatid": 1, "summary": f"{secret} {'犬' * 3000}"}
    with caplog.at_level(logging.INFO):
        invoke("add", userid=user, themename=secret, chatid=1, userinput=secret, botresponse=secret)
        invoke("add", userid=user, themename=secret, chatid=1, userinput=secret, botresponse=None)
        invoke("remember", **memory)
        invoke("remember_many", items=[memory | {"vector": vector, "metadata": {secret: secret}}])
        invoke("turns", userid=user)
        invoke("themes", userid=user)
        invoke("recall", userid=user, query=secret, theme=secret)
        invoke(secret, **{secret: secret})  # type: ignore[arg-type]
        invoke("recall", userid=user, vector=vector)
        invoke("recall", userid=user, vector=[secret])
        invoke("remember", **memory | {"metadata": {secret: f"{secret}\0"}})
        invoke("remember", **memory | {"chatid": secret})
        for kind in ("throttle", "error_before", "error_after", "drop_before", "drop_after"):
            for operation in ("ExecuteStatement", "InvokeModel"):
                migrated.endpoint.add_fault(kind, operation=operation, count=-1)
                invoke("recall", seconds=chat.RESERVE_SECONDS, userid=user, query=secret)
                migrated.endpoint.clear_faults()
        migrated.master.execute(
            "ALTER TABLE st_chat_history_table ADD CONSTRAINT canary CHECK (userinput = '') NOT VALID"
        )
        refused = invoke("add", userid=user, themename=secret, chatid=2, userinput=secret)
        migrated.master.execute("ALTER TABLE st_chat_history_table DROP CONSTRAINT canary")
        invoke("delete", userid=user)
        invoke("forget", userid=user, theme=secret)
    failed = "the operation failed, and a retry would fail too: see the function's log"
    assert refused == {"status": 500, "error": failed}
    logged = "\n".join(f"{vars(record)} {record.getMessage()}" for record in caplog.records)
    assert "DatabaseError DatabaseErrorException 23514" in logged
    assert "add 200 " in logged
    assert "recall 429 " in logged
    assert [name for name in (user, secret, "犬", "0.1234", "0.03125") if name in logged] == []
