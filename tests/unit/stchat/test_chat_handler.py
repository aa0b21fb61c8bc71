"""The chat function by itself: what it takes, and what it logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import Turn
from stchat.data_api import DataApi
from stchat.errors import InputError
from stchat.handlers import chat
from tests.support.chat_function import CANARY, FIELDS, Function
from tests.support.lambda_context import LambdaContext

KNOWN = "add, turns, themes, delete, remember, remember_many, recall, get, list, update, forget"
TOO_LARGE = (
    "the response is larger than the 6 MB that a Lambda function may return: request less, with limit, k or a theme"
)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    return Function(monkeypatch)


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"operation": "sing"}, {"status": 404, "error": f"operation must be one of {KNOWN}, got another"}),
        ({"operation": ["add"]}, {"status": 404, "error": f"operation must be one of {KNOWN}, got another"}),
        ({}, {"status": 400, "error": f"operation must be one of {KNOWN}, got none", "field": "operation"}),
        ([], {"status": 400, "error": "the event must be a JSON object with an operation and its fields"}),
        ({"operation": "themes"}, {"status": 400, "error": "userid must be given, got none", "field": "userid"}),
        (
            {"operation": "themes", "userid": "u", "colour": 1},
            {"status": 400, "error": "colour must be one of userid, got a field of another name", "field": "colour"},
        ),
        (
            {"operation": "themes", "userid": "u", "\ud800": 1},
            {"status": 400, "error": "? must be one of userid, got a field of another name", "field": "?"},
        ),
        (
            {"operation": "remember_many", "items": {}},
            {"status": 400, "error": "items must be a list of objects, got dict", "field": "items"},
        ),
        (
            {"operation": "remember_many", "items": [{}] * 481},
            {
                "status": 400,
                "error": "items must have at most 480 members, got 481: send them in several calls",
                "field": "items",
            },
        ),
        (
            {"operation": "forget", "userid": "u", "ids": ["a"], "theme": "t"},
            {"status": 400, "error": "ids must be given without theme and chatid, got them too", "field": "ids"},
        ),
        (
            {"operation": "update", "userid": "u", "summary": "s"},
            {"status": 400, "error": "id must be given, got none", "field": "id"},
        ),
        (
            {"operation": "recall", "userid": "u"},
            {"status": 400, "error": "query must be given, or vector, and not both, got none", "field": "query"},
        ),
        (
            {"operation": "recall", "userid": "u", "query": "q", "vector": [1]},
            {"status": 400, "error": "query must be given, or vector, and not both, got both", "field": "query"},
        ),
        (
            {"operation": "recall", "userid": "u", "vector": [1], "mode": "lexical"},
            {"status": 400, "error": "mode must be given with query alone, got it without one", "field": "mode"},
        ),
        (
            {"operation": "recall", "userid": "u", "query": "q", "text": "q"},
            {"status": 400, "error": "text must be given with vector alone, got it without one", "field": "text"},
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_request(function: Function, event: Any, answer: dict[str, Any]) -> None:
    assert chat.handler(event, LambdaContext()) == answer
    assert function.side.got == {}, "nothing was called"
    json.dumps(answer, ensure_ascii=False).encode()


@pytest.mark.parametrize("path", ["/", "/sing", "/add/more", ""])
def test_paths_that_are_no_operation(function: Function, path: str) -> None:
    assert function.post(path, FIELDS)["statusCode"] == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post(function: Function, method: str) -> None:
    reply = function.post("/add", FIELDS, method=method)
    assert (reply["statusCode"], reply["headers"]["Allow"]) == (405, "POST")


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "no JSON"])
@pytest.mark.parametrize("encoded", [False, True])
def test_bodies_that_are_no_object(function: Function, body: str, encoded: bool) -> None:
    reply = function.post("/add", body, encoded=encoded)
    assert reply["statusCode"] == 400
    assert json.loads(reply["body"]) == {"error": "body must be a JSON object, got something else", "field": "body"}


def test_a_body_that_has_a_key_twice(function: Function, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps(FIELDS | {"metadata": 0}).replace("0", f'{{"{CANARY}": 1, "{CANARY}": 2}}')
    with caplog.at_level(logging.INFO):
        reply = function.post("/add", body)
    message = f"body must have each key of an object once, got '{CANARY}' twice: remove one of them"
    assert (reply["statusCode"], json.loads(reply["body"])) == (400, {"error": message, "field": "body"})
    assert function.side.got == {}, "nothing was called"
    assert CANARY not in "".join(str(vars(record)) for record in caplog.records)


def test_a_body_in_base64_is_the_same_body(function: Function) -> None:
    for encoded in (False, True):
        reply = function.post("/add", FIELDS, encoded=encoded)
        assert (reply["statusCode"], json.loads(reply["body"])) == (200, {"written": True})
        assert reply["headers"] == {"Content-Type": "application/json"}
        assert function.side.got["userid"] == CANARY
    event = {"rawPath": "/add", "requestContext": {"http": {"method": "POST"}}, "body": "%", "isBase64Encoded": True}
    assert chat.handler(event, LambdaContext())["statusCode"] == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
HTTP_FIELDS = ("requestContext", "http", "rawPath", "body", "isBase64Encoded", "operation", "method", "userid")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(HTTP_FIELDS), JSON | st.fixed_dictionaries({"http": JSON})))
@pytest.mark.usefixtures("function")
def test_no_event_leaves_the_handler_as_an_exception(event: dict[str, Any]) -> None:
    answer = chat.handler(event, LambdaContext())
    assert answer.get("status", answer.get("statusCode")) in (200, 400, 404, 405)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"requestContext": 5}, 400),
        ({"requestContext": 5, "operation": "themes", "userid": "u"}, 400),
        ({"requestContext": {"http": None}, "rawPath": "/add"}, 400),
        ({"requestContext": {"http": {}}, "rawPath": 7}, 404),
        ({"requestContext": {"http": {}}, "rawPath": "/add"}, 405),
        ({"requestContext": {"http": {"method": "POST"}}, "rawPath": "/add", "body": 7}, 400),
        ({"requestContext": {"http": {"method": "POST"}}, "rawPath": "/add", "body": 7, "isBase64Encoded": 1}, 400),
    ],
)
def test_odd_events(function: Function, event: dict[str, Any], status: int) -> None:
    answer = chat.handler(event, LambdaContext())
    assert answer.get("status", answer.get("statusCode")) == status
    assert function.side.got == {}, "nothing was called"


def test_a_wrong_theme_is_named_as_on_the_wire(function: Function) -> None:
    refusal = InputError("theme", "not be empty", "''")
    assert function.invoke("add", FIELDS, refusal) == {
        "status": 400, "error": "themename must not be empty, got ''", "field": "themename"
    }  # fmt: skip


def test_null_is_left_out_where_a_field_may_be(function: Function) -> None:
    function.invoke("turns", {"userid": "u", "themename": None, "limit": None, "before": 7}, [])
    assert function.side.got == {"userid": "u", "theme": None, "before": 7, "arguments": (), "method": "turns"}
    function.invoke("turns", {"userid": None}, [])
    assert function.side.got["userid"] is None, "the library refuses it"


def test_rows_are_logged_and_nothing_else(function: Function, caplog: pytest.LogCaptureFixture) -> None:
    turn = Turn(1, CANARY, 2, CANARY, None, datetime(2026, 11, 25, tzinfo=UTC))
    with caplog.at_level(logging.INFO):
        answer = function.invoke("turns", {"userid": CANARY}, [turn, turn])
    assert answer["turns"][0] == {
        "primarykey": 1, "themename": CANARY, "chatid": 2, "userinput": CANARY, "botresponse": None,
        "timestamp": "2026-11-25T00:00:00+00:00",
    }  # fmt: skip
    [record] = caplog.records
    assert (vars(record)["operation"], vars(record)["status"], vars(record)["rows"]) == ("turns", 200, 2)
    assert CANARY not in str(vars(record))


def test_an_answer_that_lambda_would_not_carry(function: Function) -> None:
    turn = Turn(1, "t", 2, "犬" * 700_000, None, datetime(2026, 11, 25, tzinfo=UTC))
    assert function.invoke("turns", {"userid": "u"}, [turn] * 2)["status"] == 200
    assert function.invoke("turns", {"userid": "u"}, [turn] * 3) == {"status": 413, "error": TOO_LARGE}


@pytest.mark.parametrize(("remaining", "timeout"), [(60, 40), (20, 0), (3, 0)])
def test_it_waits_for_the_time_it_has_and_answers_before_that_is_over(
    function: Function, remaining: float, timeout: float
) -> None:
    chat.handler({"operation": "add"} | FIELDS, LambdaContext(remaining))
    assert function.side.seconds == [timeout, timeout]


def test_a_call_that_is_not_answered_leaves_time_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STCHAT_CLUSTER_ARN": "arn:aws:rds:ap-northeast-1:123456789012:cluster:chat",
        "STCHAT_APP_SECRET_ARN": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:app",
        "STCHAT_DATABASE": "chat",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the first credentials that it finds
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "ap-northeast-1")
    memory = chat._chat.__wrapped__().memory
    assert isinstance(memory.embedder, CohereEmbedder) and memory.embedder.client is not None
    assert isinstance(memory.api, DataApi)
    for client in (memory.api.client, memory.embedder.client):
        config: Any = client.meta.config
        assert config.read_timeout + config.connect_timeout < chat.RESERVE_SECONDS


def test_an_unknown_operation_is_not_logged(function: Function, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        function.invoke(CANARY, FIELDS)
        function.post(f"/{CANARY}", FIELDS)
        function.post("/add", CANARY)
        function.invoke("add", FIELDS | {CANARY: 1})
    assert len(caplog.records) == 4
    assert CANARY not in "".join(str(vars(record)) for record in caplog.records)
