"""The control plane's door: every request passes the request guard before ministack sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from ministack.services import iam, sts

from local_aws import request_guard, signature
from local_aws.request_guard import Refusal, RequestGuard
from local_aws.signature import HttpRequest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# For the Data API, which checks signatures too: the secret of a session's or a user's access key, given as the query.
SECRET_OF = "/_local/secret-of"
# For `down`: save what has changed, and say whether that was possible.
SAVE = "/_local/save"
# A function's log is saved a moment later: a call does not wait for the disk.
INVOCATIONS = "/invocations"
NOT_SAVED = "the local AWS made the change, but could not save it: {failure}; make room, then `local-aws down` saves it"
# Answered without a signature: says that the server runs, and nothing else.
HEALTH = "/_ministack/health"
# Where a custom resource sends its answer, by an address that holds a random UUID. A page cannot PUT unasked.
CUSTOM_RESOURCE_ANSWER = "/_ministack/cfn-response/"


class State(Protocol):
    def touch(self) -> None:
        """Something changed: save it soon."""

    async def changed(self) -> str:
        """Something changed: returns when it is saved, with why it could not be; nothing where it was."""

    def save(self) -> str:
        """Returns why the state could not be saved; nothing where it was."""


class GuardedApp:
    """An ASGI application around ministack's. What a request changed is saved before its answer is sent."""

    def __init__(self, app: App, guard: RequestGuard, state: State) -> None:
        self._app = app
        self._guard = guard
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # a page may open one to anywhere: none is served

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        refusal = self._guard.refuse_browser(request)
        body = b""
        if refusal is None and not _is_open(request):
            refusal = self._guard.refuse_unsigned(request)
            if refusal is None:
                body = await _body(receive)
                found = signature.parse(request)
                secret = self._guard.secret(found.access_key, secret_of) if found else None
                refusal = self._guard.refuse_signature(request, body, secret)
            receive = _replay(body, receive)
        if refusal is not None:
            await _send(send, 403, *request_guard.response(request, refusal))
        elif request.path in (SECRET_OF, SAVE):
            await self._serve_owner(request, send)
        else:
            await self._app(scope, receive, self._answer(request, body, send))

    async def _serve_owner(self, request: HttpRequest, send: Send) -> None:
        """Those alone who sign with the key of the local AWS itself: no function, no session, no user."""
        found = signature.parse(request)
        if found is None or found.access_key != self._guard.key.id:
            refusal = Refusal("AccessDeniedException", "only the access key of the local AWS itself may ask this")
            await _send(send, 403, *request_guard.response(request, refusal))
        elif request.path == SAVE:
            failure = await asyncio.to_thread(self._state.save)
            await _send(send, 507 if failure else 200, {"content-type": "text/plain"}, failure.encode())
        else:
            secret = secret_of(request.query)
            await _send(send, 404 if secret is None else 200, {"content-type": "text/plain"}, (secret or "").encode())

    def _answer(self, request: HttpRequest, body: bytes, send: Send) -> Send:
        failed = False

        async def answer(message: Message) -> None:
            nonlocal failed
            if failed:
                return
            if message["type"] == "http.response.start":
                # ministack allows every origin; no page is to read anything.
                headers = [(n, v) for n, v in message["headers"] if not n.lower().startswith(b"access-control-")]
                message = {**message, "headers": headers}
                if request.path.endswith(INVOCATIONS):
                    self._state.touch()
                elif may_change(request, body):
                    failure = await self._state.changed()
                    if failure:
                        failed = True
                        refusal = Refusal("InternalFailure", NOT_SAVED.format(failure=failure))
                        await _send(send, 500, *request_guard.response(request, refusal))
                        return
            await send(message)

        return answer


def may_change(request: HttpRequest, body: bytes) -> bool:
    """Whether a request may change state: what AWS's protocols name as reading does not."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    action = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if not action and body.startswith(b"Action="):
        action = body.partition(b"&")[0].removeprefix(b"Action=").decode("ascii", "replace")
    return not action.startswith(("Describe", "Get", "List", "Validate", "Simulate", "Filter"))


def secret_of(access_key: str) -> str | None:
    """The secret of a session of STS, or of a user's access key, whichever account has it."""
    session = sts._sessions.get(access_key)
    if session is not None and not sts._session_expired(session):
        return str(session["SecretAccessKey"])
    for (_, id), key in list(iam._access_keys._data.items()):
        if id == access_key and key.get("Status", "Active") == "Active":
            return str(key["SecretAccessKey"])
    return None


def _is_open(request: HttpRequest) -> bool:
    if request.method == "PUT" and request.path.startswith(CUSTOM_RESOURCE_ANSWER):
        return True
    return request.method == "GET" and request.path == HEALTH


def _request(scope: Scope) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    path = scope.get("raw_path") or scope["path"].encode()
    return HttpRequest(
        scope["method"], path.partition(b"?")[0].decode("latin-1"), scope["query_string"].decode("latin-1"), headers
    )


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more for the application, then whatever the server says next."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
