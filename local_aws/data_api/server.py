"""The HTTP server: rest-json in, rest-json out, one log line per call."""

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
from local_aws.data_api.admin_api import AdminApi
from local_aws.data_api.errors import ApiError, bad_request
from local_aws.data_api.faults import Faults, after, before
from local_aws.data_api.guard import TOO_LARGE, middleware
from local_aws.data_api.operations import Operations
from local_aws.data_api.requests import BeginTransactionRequest, Request, StatementRequest
from local_aws.processes import LocalError
from local_aws.request_guard import RequestGuard

LOG = logging.getLogger("local_aws.data_api")
JSON = "application/json"


class Server:
    """`routes` are those of other services on the same address."""

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
        # A little more than AWS takes, so that a request that is too large gets an error and not a closed connection.
        self.app = web.Application(
            client_max_size=model.REQUEST_BYTES + 2**20, middlewares=[middleware(guard, account)]
        )
        self.app.router.add_routes([*AdminApi(account, faults).routes(), *routes])
        self.app.router.add_route("*", "/{path:.*}", self._serve)

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        operation = model.OPERATIONS.get(http.path) if http.method == "POST" else None
        if operation is None:
            return respond(_unknown_operation(http))
        started = time.perf_counter()
        request: Request | None = None
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

    async def _call(self, http: web.Request, operation: OperationModel, request: Request) -> dict[str, Any]:
        fault = self._faults.next(operation.name, request.sql if isinstance(request, StatementRequest) else "")
        if fault is not None:
            await before(http, fault)
        await self._account.authorize(operation.name, request, http.headers)
        answer = await self._operations.handlers[operation.name](request)
        if fault is not None:
            after(http, fault)
        return answer


def _unknown_operation(http: web.Request) -> ApiError:
    if http.method == "POST" and http.path in model.NO_LONGER_SUPPORTED:
        name = model.NO_LONGER_SUPPORTED[http.path]
        return bad_request(f"The {name} operation isn't supported. Use ExecuteStatement or BatchExecuteStatement.")
    return ApiError("UnknownOperationException")


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


def _log(operation: str, request: Request | None, answer: dict[str, Any] | ApiError, milliseconds: float) -> None:
    """One line: never the SQL, the parameters or a secret, nor an error's text, which may quote them."""
    if isinstance(answer, ApiError):
        result = answer.name
    else:
        records = answer.get("records", answer.get("updateResults"))
        result = f"{answer.get('numberOfRecordsUpdated', 0) if not records else len(records)} rows"
    database = request.database if isinstance(request, BeginTransactionRequest) else None
    LOG.info("%s %s %.1f ms %s", operation, database or "-", milliseconds, result)
