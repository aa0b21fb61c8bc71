"""The chat function over a history and a memory that do as the test sets."""

from __future__ import annotations

import base64
import json
from typing import Any, Self

import pytest

from stchat.chat.operations import Chat
from stchat.handlers import chat
from tests.support.lambda_context import LambdaContext

CANARY = "canary-犬-7f3c"
FIELDS: dict[str, Any] = {"userid": CANARY, "themename": CANARY, "chatid": 1, "userinput": CANARY}


class Side:
    """History or memory: every method answers, or fails, as the test set it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.seconds: list[float] = []
        self.got: dict[str, Any] = {}

    def with_timeout(self, seconds: float) -> Self:
        self.seconds.append(seconds)
        return self

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, **keywords: Any) -> object:
            self.got = keywords | {"arguments": arguments, "method": name}
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return method


class Function:
    """The handler, over a history and a memory that answer what `side` is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.side = Side(True)
        monkeypatch.setattr(chat, "_chat", lambda: Chat(self.side, self.side))  # type: ignore[arg-type]

    def invoke(self, operation: str, fields: dict[str, Any], answer: object = True) -> dict[str, Any]:
        self.side.answer = answer
        return chat.handler({"operation": operation} | fields, LambdaContext())

    def post(self, path: str, body: object, *, method: str = "POST", encoded: bool = False) -> dict[str, Any]:
        text = body if isinstance(body, str) else json.dumps(body)
        event = {
            "version": "2.0",
            "rawPath": path,
            "requestContext": {"http": {"method": method, "path": path}},
            "body": base64.b64encode(text.encode()).decode() if encoded else text,
            "isBase64Encoded": encoded,
        }
        return chat.handler(event, LambdaContext())
