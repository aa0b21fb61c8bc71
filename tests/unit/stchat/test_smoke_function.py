"""How `smoke` calls the chat function: a transient error is retried, any other is reported."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stchat.ops.cli import smoke
from stchat.ops.cli.smoke import through
from stchat.ops.privileges import SmokeError

PAUSED = {"status": 503, "error": "the database was paused and is resuming: retry", "retry_after": 5}


class Function:
    """boto3's client of a function that gives these answers in turn."""

    def __init__(self, *answers: dict[str, Any] | Exception, failed: bool = False) -> None:
        self.answers = list(answers)
        self.failed = failed
        self.events: list[Any] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        assert FunctionName == "chat"
        self.events.append(json.loads(Payload))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        more = {"FunctionError": "Unhandled"} if self.failed else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}


def called(monkeypatch: pytest.MonkeyPatch, function: Function, timeout: float = 5) -> dict[str, Any]:
    monkeypatch.setattr(smoke, "aws_client", lambda *_, **__: function)
    return through("chat", timeout)({"operation": "themes", "userid": "u"})


def test_an_answer_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Function(PAUSED, {"status": 200, "themes": []})
    assert called(monkeypatch, function) == {"status": 200, "themes": []}
    assert function.events == [{"operation": "themes", "userid": "u"}] * 2


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (Function(PAUSED), "function chat returned 503: the database was paused and is resuming: retry"),
        (
            Function({"status": 400, "error": "userid must be given, got none"}),
            "function chat returned 400: userid must be given, got none",
        ),
        (
            Function({"errorType": "Runtime.ImportModuleError", "errorMessage": "no"}, failed=True),
            "function chat failed: Runtime.ImportModuleError; see its log",
        ),
        (
            Function(ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "Invoke")),
            "function chat: AccessDeniedException: not you",
        ),
    ],
)
def test_what_does_not_pass_is_reported(monkeypatch: pytest.MonkeyPatch, function: Function, message: str) -> None:
    with pytest.raises(SmokeError) as error:
        called(monkeypatch, function, timeout=0)
    assert str(error.value) == message
