"""Events and answers of a function that are nested too deep for Python's JSON."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.ministack import invocations

CODE = """
import os

def handler(event, context):
    if event == "set":
        return {1, 2}
    answer = os.getpid()
    for _ in range(event if isinstance(event, int) else 0):
        answer = [answer]
    return answer
"""
DEEP = 100_000
Invoke = Callable[[Any], dict[str, Any]]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Iterator[Invoke]:
    for module, name in (
        (lambda_runtime, "_PYTHON_WORKER_SCRIPT"),
        (lambda_svc, "_execute_function_warm"),
        (lambda_svc, "handle_request"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # to be put back
    invocations.install()
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", CODE)
    arn = "arn:aws:lambda:ap-northeast-1:000000000000:function:deep"
    config = {"FunctionName": "deep", "FunctionArn": arn, "Runtime": "python3.11", "Handler": "code.handler"}
    function = {"config": config | {"Timeout": 20, "MemorySize": 128, "Role": ""}, "code_zip": code.getvalue()}
    yield lambda event: lambda_svc._execute_function_warm(function, event, "request-1")
    lambda_runtime.reset()


def test_the_invocation_fails_and_the_worker_goes_on(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    process = invoke(0)["body"]
    assert isinstance(process, int)
    write, event = json.dumps, object()

    def written(value: Any) -> str:
        """ministack's own parser may go deeper than the worker's, so this envelope is none of its making."""
        if isinstance(value, dict) and value.get("event") is event:
            return write(value | {"event": None}).replace("null", "[" * DEEP + "]" * DEEP, 1)
        return write(value)

    with monkeypatch.context() as deeper:
        deeper.setattr(json, "dumps", written)
        failed = invoke(event)
    unmarshal, marshal = failed["body"].pop("errorMessage"), invoke(DEEP)
    assert unmarshal.startswith("Unable to unmarshal input: ")
    assert unmarshal.endswith(" while decoding a JSON array from a unicode string")
    assert (failed["error"], failed["body"]) == (
        True,
        {"errorType": "Runtime.UnmarshalError", "requestId": "request-1", "stackTrace": []},
    )
    assert marshal["body"]["errorType"] == "Runtime.MarshalError"
    assert marshal["body"]["errorMessage"].startswith("Unable to marshal response: ")
    assert marshal["body"]["errorMessage"].endswith(" while encoding a JSON object")
    assert invoke("set")["body"]["errorMessage"] == (
        "Unable to marshal response: Object of type set is not JSON serializable"
    )
    assert invoke(0)["body"] == process


def test_what_ministack_cannot_read_is_refused(invoke: Invoke) -> None:
    assert invoke(0)
    path, body = "/2015-03-31/functions/deep/invocations", b"[" * DEEP + b"]" * DEEP
    status, _, answer = asyncio.run(lambda_svc.handle_request("POST", path, {}, body, {}))
    assert (status, json.loads(answer)["__type"]) == (400, "InvalidRequestContentException")
    assert json.loads(answer)["message"].startswith("Could not parse request body into json: ")
