"""The HTTP server: rest-json in, rest-json out, one log line a call."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from botocore.model import OperationModel

from local_aws.data_api import model
from local_aws.data_api.account import Account
from local_aws.data_api.admin_api import ControlApi
from local_aws.data_api.errors import ApiError
from local_aws.data_api.faults import Faults, after, before
from local_aws.data_api.guard import TOO_LARGE, middleware
from local_aws.data_api.operations import Operations
from local_aws.processes import LocalError
from local_aws.request_guard import RequestGuard

LOG = logging.getLogger("local_aws.data_api")
JSON = "application/json"


class Server:
    """`routes` are other services' that share the address."""

    def __init__(
        self,
        account: Account,
        operations: Operations,
        faults: Faults,
        guard: RequestGuard,
        routes: Sequence[web.RouteDef] = (),
    ) -> None:
        self._account = account
        self._operations = operations
        self._faults = faults
        # A little more than AWS takes, so that what is too large is answered and not cut off.
        self.app = web.Application(
            client_max_size=model.REQUEST_BYTES + 2**20, middlewares=[middleware(guard, account)]
        )
        self.app.router.add_routes([*ControlApi(account, faults).routes(), *routes])
        self.app.router.add_route("*", "/{path:.*}", self._serve)

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        operation = model.OPERATIONS.get(http.path) if http.method == "POST" else None
        if operation is None:
            return respond(ApiError("UnknownOperationException"))
        started = time.perf_counter()
        request: dict[str, Any] = {}
        try:
            body = await _body(http)
            request = model.parse(operation, body)
            answer: dict[str, Any] | ApiError = await self._call(http, operation, request)
        except ApiError as error:
            answer = error
        except (LocalError, OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError):
            LOG.exception("%s failed", operation.name)
            answer = ApiError("InternalServerErrorException", "Internal error of the local Data API: see its log")
        _log(operation.name, request, answer, (time.perf_counter() - started) * 1000)
        return respond(answer)

    async def _call(self, http: web.Request, operation: OperationModel, request: dict[str, Any]) -> dict[str, Any]:
        fault = self._faults.next(operation.name, request.get("sql", ""))
        if fault is not None:
            await before(http, fault)
        await self._account.authorize(operation.name, request, http.headers)
        answer = await self._operations.handlers[operation.name](request)
        if fault is not None:
            after(http, fault)
        return answer


async def _body(http: web.Request) -> bytes:
    return bytes(model.REQUEST_BYTES + 1) if TOO_LARGE in http else await http.read()


def respond(answer: dict[str, Any] | ApiError) -> web.Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    status, members = 200, answer
    if isinstance(answer, ApiError):
        status, members = answer.status, answer.members
        headers["x-amzn-ErrorType"] = answer.name
    body = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(status=status, body=body, content_type=JSON, headers=headers)


def _log(operation: str, request: dict[str, Any], answer: dict[str, Any] | ApiError, milliseconds: float) -> None:
    """One line: never the SQL, the parameters or a secret, nor an error's text, which may quote them."""
    if isinstance(answer, ApiError):
        said = answer.name
    else:
        records = answer.get("records", answer.get("updateResults"))
        said = f"{answer.get('numberOfRecordsUpdated', 0) if not records else len(records)} rows"
    LOG.info("%s %s %.1f ms %s", operation, request.get("database", "-"), milliseconds, said)
