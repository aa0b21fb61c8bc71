"""JSON that Python's parser refuses, in an event or an answer: an error of the invocation, as AWS's runtime for Python
has it, after which the environment goes on. ministack's worker ended of an event that is nested too deep.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

Execute = Callable[[dict[str, Any], Any, str], dict[str, Any]]
Answer = tuple[Any, ...]
Handle = Callable[..., Awaitable[Answer]]

FAULT = "stchat.local_aws fault"  # the key of an answer that is none
# How the runtime's message begins -> its type.
TYPES = {
    "Unable to unmarshal input: ": "Runtime.UnmarshalError",
    "Unable to marshal response: ": "Runtime.MarshalError",
}
UNMARSHAL, MARSHAL = TYPES
# ministack's lines of the worker -> ours. `error` is answered as a result, since the worker of an error is ended.
_LINES = {
    """
        _ms_msg = json.loads(line)
""": f"""
        try:
            _ms_msg = json.loads(line)
        except RecursionError as error:
            fault = {{"{FAULT}": "{UNMARSHAL}" + str(error)}}
            _real_stdout.write(json.dumps({{"status": "ok", "result": fault}}) + "\\n")
            _real_stdout.flush()
            continue
""",
    """
            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")
""": f"""
            try:
                answer = json.dumps({{"status": "ok", "result": result}})
            except Exception as error:
                fault = {{"{FAULT}": "{MARSHAL}" + str(error)}}
                answer = json.dumps({{"status": "ok", "result": fault}})
            _real_stdout.write(answer + "\\n")
""",
}


def install() -> None:
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    for theirs, ours in _LINES.items():
        if theirs not in script:
            raise RuntimeError(f"the worker of this ministack has no line {theirs.strip()!r}: adapt {__name__}")
        script = script.replace(theirs, ours)
    lambda_runtime._PYTHON_WORKER_SCRIPT = script
    lambda_svc._execute_function_warm = _executing(lambda_svc._execute_function_warm)
    lambda_svc.handle_request = _handling(lambda_svc.handle_request)


def _executing(execute: Execute) -> Execute:
    def executed(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        outcome = execute(func, event, request_id)
        body = outcome.get("body")
        if not isinstance(body, dict) or list(body) != [FAULT]:
            return outcome
        message = body[FAULT]
        kind = next(kind for start, kind in TYPES.items() if message.startswith(start))
        error = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": []}
        return {**outcome, "body": error, "error": True}

    return executed


def _handling(handle: Handle) -> Handle:
    """What not even ministack can read never reaches the function. AWS's words for it are assumed."""

    @functools.wraps(handle)
    async def handled(*arguments: Any, **keywords: Any) -> Answer:
        try:
            return await handle(*arguments, **keywords)
        except RecursionError as error:
            message = f"Could not parse request body into json: {error}"
            answer: Answer = error_response_json("InvalidRequestContentException", message, 400)
            return answer

    return handled
