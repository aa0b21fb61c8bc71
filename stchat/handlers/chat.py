"""The chat function: an event in, one operation, a response with a status out; one log line per call.

Invoked directly, the event is `{"operation": "recall", "userid": ..., ...}` and the response `{"status": 200, ...}`.
Over its URL a POST to `/recall` has the fields as its JSON body, and the status is HTTP's.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from stchat.chat import FAILED, OPERATIONS, TOO_LARGE, Chat, Problem, RefusedError, logged, problem, validation
from stchat.environment import ApplicationSettings
from stchat.errors import InputError, StchatError

logging.basicConfig()  # where no runtime has set up logging yet
logging.getLogger("stchat").setLevel(logging.INFO)
log = logging.getLogger(__name__)

CALL_SECONDS = 14.0  # one call of the Data API or of Bedrock, after 5 s at most to connect
RESERVE_SECONDS = 20.0  # the last such call, and the response
RESPONSE_BYTES = 6 * 1024 * 1024 - 1024  # of Lambda's 6 MB
NO_OPERATION = f"be one of {', '.join(OPERATIONS)}"

Event = dict[str, Any]


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


@dataclass
class _Reply:
    """What is returned, and what is logged of it."""

    over_http: bool
    operation: str = "-"
    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    retry_after: int | None = None
    failure: str = ""

    def refuse(self, problem: Problem) -> None:
        self.status, self.body, self.retry_after = problem.status, problem.body, problem.retry_after

    def packed(self) -> dict[str, Any]:
        if not self.over_http:
            return {"status": self.status} | self.body
        headers = {"Content-Type": "application/json"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 405:
            headers["Allow"] = "POST"
        return {"statusCode": self.status, "headers": headers, "body": json.dumps(self.body, ensure_ascii=False)}


def handler(event: Any, context: Context) -> dict[str, Any]:
    started = time.perf_counter()
    reply = _Reply(over_http=_is_http(event))
    try:
        _serve(event, context, reply)
    except StchatError as error:
        reply.refuse(problem(error))
        reply.failure = logged(error)
    except Exception as error:  # noqa: BLE001 (the runtime would log it with its text, perhaps a user's)
        reply.refuse(Problem(500, FAILED))
        reply.failure = f"{type(error).__name__} at {_location(error)}"
    ms = round((time.perf_counter() - started) * 1000, 1)
    members = {"operation": reply.operation, "status": reply.status, "ms": ms, "rows": reply.rows}
    line = f"{reply.operation} {reply.status} {ms} ms {reply.rows} rows {reply.failure}".rstrip()
    log.log(logging.ERROR if reply.status == 500 else logging.INFO, "%s", line, extra=members)
    return reply.packed()


def _serve(event: Any, context: Context, reply: _Reply) -> None:
    if not isinstance(event, dict):
        raise RefusedError(Problem(400, "the event must be a JSON object with an operation and its fields"))
    operation, fields = _http_request(event) if reply.over_http else _request(event)
    reply.operation = operation
    chat = _chat().with_timeout(max(0.0, context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS))
    outcome = OPERATIONS[operation](chat, fields)
    reply.body = outcome.fields
    if len(json.dumps(reply.packed(), ensure_ascii=False).encode()) > RESPONSE_BYTES:
        raise RefusedError(Problem(413, TOO_LARGE))
    reply.rows = outcome.rows


def _is_http(event: Any) -> bool:
    """Whether it came through the function's URL, whose events have `requestContext.http`."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(context, dict) and isinstance(context.get("http"), dict)


@cache
def _chat() -> Chat:
    """Made at the first call, and kept for the next ones: its clients keep their connections."""
    return Chat.from_settings(ApplicationSettings.from_environment(), CALL_SECONDS)


def _request(event: Event) -> tuple[str, Event]:
    fields = dict(event)
    operation = fields.pop("operation", None)
    if operation is None:
        raise InputError("operation", NO_OPERATION, "none")
    return _checked(operation), fields


def _http_request(event: Event) -> tuple[str, Event]:
    path = event.get("rawPath")
    operation = _checked(path.strip("/") if isinstance(path, str) else path)
    if event["requestContext"]["http"].get("method") != "POST":
        raise RefusedError(Problem(405, f"POST /{operation} with a JSON object"))
    body: Any = event.get("body")
    try:
        fields = validation.parsed("body", base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except (TypeError, ValueError, RecursionError):  # TypeError: no text at all
        fields = None
    if not isinstance(fields, dict):
        raise InputError("body", "be a JSON object", "something else")
    return operation, fields


def _checked(operation: Any) -> str:
    if isinstance(operation, str) and operation in OPERATIONS:
        return operation
    raise RefusedError(Problem(404, f"operation must {NO_OPERATION}, got another"))


def _location(error: Exception) -> str:
    """The innermost line: an exception's text may quote a user's, its location does not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown line" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
