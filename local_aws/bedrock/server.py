"""POST /model/{modelId}/invoke and /converse: requests checked against botocore's description of the service, one log
line a call."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web
from botocore.model import OperationModel, Shape, StructureShape

from local_aws.bedrock import cohere, converse
from local_aws.bedrock.cohere_requests import MODELS, named
from local_aws.bedrock.embedders import Embedder
from local_aws.bedrock.errors import SERVICE, BedrockError, malformed
from local_aws.data_api.account import Account
from local_aws.data_api.errors import ApiError
from local_aws.data_api.faults import Faults, after, before
from local_aws.data_api.guard import TOO_LARGE
from local_aws.data_api.iam import caller, region
from local_aws.data_api.server import respond

LOG = logging.getLogger("local_aws.bedrock")
INVOKE, CONVERSE = (SERVICE.operation_model(name) for name in ("InvokeModel", "Converse"))
MODEL_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]+:(?::foundation-model|\d{12}:inference-profile)/(?P<id>[^/]+)")


@dataclass(frozen=True)
class Answer:
    """`what` is what the log shows of it."""

    body: dict[str, Any]
    what: str
    headers: dict[str, str] = field(default_factory=dict)


class Bedrock:
    """Fault rules apply to it as the operations InvokeModel and Converse; `sql` is matched with the model's id."""

    def __init__(self, account: Account, faults: Faults, embedder: Embedder) -> None:
        self._account = account
        self._faults = faults
        self._embedder = embedder

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(INVOKE.http["requestUri"], partial(self._serve, INVOKE, self._invoke)),
            web.post(CONVERSE.http["requestUri"], partial(self._serve, CONVERSE, self._converse)),
            web.get("/_local/embeddings", self._describe),
        ]

    async def _describe(self, _: web.Request) -> web.Response:
        return web.json_response({"embeddings": self._embedder.description})

    async def _serve(
        self, operation: OperationModel, run: Callable[[str, bytes, web.Request], Awaitable[Answer]], http: web.Request
    ) -> web.StreamResponse:
        started = time.perf_counter()
        model = http.match_info["modelId"]
        found: Answer | ApiError
        try:
            caller(http.headers)
            found = await self._call(operation, run, http, model)
        except BedrockError as error:
            found = error
        except ApiError as error:
            found = error if error.status == 403 else BedrockError(error.name, str(error.members.get("message", "")))
        outcome = found.name if isinstance(found, ApiError) else found.what
        LOG.info("%s %s %.1f ms %s", operation.name, model[:64], (time.perf_counter() - started) * 1000, outcome)
        if isinstance(found, ApiError):
            return respond(found)
        body = json.dumps(found.body, separators=(",", ":")).encode()
        headers = {"x-amzn-RequestId": str(uuid.uuid4()), **found.headers}
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _call(
        self,
        operation: OperationModel,
        run: Callable[[str, bytes, web.Request], Awaitable[Answer]],
        http: web.Request,
        model: str,
    ) -> Answer:
        fault = self._faults.next(operation.name, model)
        if fault is not None:
            await before(http, fault)
        if TOO_LARGE in http:
            raise malformed()  # nothing that the model takes is as large
        body = await http.read()
        if broken := list(_broken(operation, http, model, body)):
            plural = "s" if len(broken) > 1 else ""
            raise BedrockError(
                "ValidationException", f"{len(broken)} validation error{plural} detected: {'; '.join(broken)}"
            )
        arn = MODEL_ARN.fullmatch(model)
        answer = await run(arn["id"] if arn else model, body, http)
        if fault is not None:
            after(http, fault)
        return answer

    async def _invoke(self, model: str, body: bytes, http: web.Request) -> Answer:
        name, profile = named(model, region(http.headers))
        await self._account.authorize_model(name, http.headers, profile)
        found = await asyncio.to_thread(cohere.answer, name, body, self._embedder.embed)
        return Answer(found.body, f"{found.texts} texts", {"X-Amzn-Bedrock-Input-Token-Count": str(found.tokens)})

    async def _converse(self, model: str, body: bytes, http: web.Request) -> Answer:
        if model in MODELS:
            raise BedrockError(
                "ValidationException",
                "This action doesn't support the model that you provided. Try again with a supported text or chat"
                " model that supports Converse.",
            )
        if not converse.MODELS.fullmatch(model):
            raise BedrockError("ValidationException", "The provided model identifier is invalid.")
        await self._account.authorize_model(model, http.headers)
        found = converse.answer(body)
        return Answer(found.body, f"{found.listed} memories listed")


def _broken(operation: OperationModel, http: web.Request, model: str, body: bytes) -> Iterator[str]:
    """Each constraint of the request's URI, headers and blob that is not kept."""
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location == "header":
            value = http.headers.get(member.serialization["name"])
            if value is not None:
                yield from _constraints(name, member, value)
        elif location == "uri":
            yield from _constraints(name, member, model)
        elif member.type_name == "blob":
            yield from _constraints(name, member, body)


def _constraints(name: str, shape: Shape, value: str | bytes) -> Iterator[str]:
    rules = shape.metadata
    prefix = f"Value at '{name}' failed to satisfy constraint: Member must"
    if len(value) > rules.get("max", len(value)):
        yield f"{prefix} have length less than or equal to {rules['max']}"
    if isinstance(value, str) and "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        yield f"{prefix} satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"{prefix} satisfy enum value set: [{', '.join(rules['enum'])}]"
