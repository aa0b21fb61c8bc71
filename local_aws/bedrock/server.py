"""POST /model/{modelId}/invoke: requests checked against botocore's description of the service, one log line a call."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Iterator

from aiohttp import web
from botocore.model import Shape, StructureShape

from local_aws.bedrock import cohere
from local_aws.bedrock.errors import SERVICE, BedrockError, malformed
from local_aws.data_api.account import Account
from local_aws.data_api.errors import ApiError
from local_aws.data_api.faults import Faults, after, before
from local_aws.data_api.guard import TOO_LARGE
from local_aws.data_api.iam import caller
from local_aws.data_api.server import respond

LOG = logging.getLogger("local_aws.bedrock")
OPERATION = SERVICE.operation_model("InvokeModel")
WHAT_IT_IS = "hashed words and character n-grams, no language model"
FOUNDATION_MODEL = re.compile(r"arn:aws:bedrock:[a-z0-9-]+::foundation-model/(?P<id>[^/]+)")


class Bedrock:
    """Fault rules apply to it as the operation InvokeModel; their `sql` is matched with the model's id."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self._account = account
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [web.post(OPERATION.http["requestUri"], self._serve)]

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        model = http.match_info["modelId"]
        found: cohere.Answer | ApiError
        try:
            caller(http.headers)
            found = await self._invoke(http, model)
        except BedrockError as error:
            found = error
        except ApiError as error:
            found = error if error.status == 403 else BedrockError(error.name, str(error.members.get("message", "")))
        said = found.name if isinstance(found, ApiError) else f"{found.texts} texts"
        LOG.info("InvokeModel %s %.1f ms %s", model[:64], (time.perf_counter() - started) * 1000, said)
        if isinstance(found, ApiError):
            return respond(found)
        body = json.dumps(found.body, separators=(",", ":")).encode()
        headers = {"x-amzn-RequestId": str(uuid.uuid4()), "X-Amzn-Bedrock-Input-Token-Count": str(found.tokens)}
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _invoke(self, http: web.Request, model: str) -> cohere.Answer:
        fault = self._faults.next(OPERATION.name, model)
        if fault is not None:
            await before(http, fault)
        if TOO_LARGE in http:
            raise malformed()  # nothing that the model takes is as large
        body = await http.read()
        if broken := list(_broken(http, model, body)):
            plural = "s" if len(broken) > 1 else ""
            raise BedrockError(
                "ValidationException", f"{len(broken)} validation error{plural} detected: {'; '.join(broken)}"
            )
        arn = FOUNDATION_MODEL.fullmatch(model)
        id = arn["id"] if arn else model
        if id not in cohere.MODELS:
            raise BedrockError("ValidationException", "The provided model identifier is invalid.")
        await self._account.authorize_model(id, http.headers)
        answer = await asyncio.to_thread(cohere.answer, body)
        if fault is not None:
            after(http, fault)
        return answer


def _broken(http: web.Request, model: str, body: bytes) -> Iterator[str]:
    """Each constraint of the request's shape that is not kept."""
    shape = OPERATION.input_shape
    assert isinstance(shape, StructureShape)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location == "header":
            value = http.headers.get(member.serialization["name"])
            if value is not None:
                yield from _constraints(name, member, value)
        else:
            yield from _constraints(name, member, model if location == "uri" else body)


def _constraints(name: str, shape: Shape, value: str | bytes) -> Iterator[str]:
    rules = shape.metadata
    said = f"Value at '{name}' failed to satisfy constraint: Member must"
    if len(value) > rules.get("max", len(value)):
        yield f"{said} have length less than or equal to {rules['max']}"
    if isinstance(value, str) and "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        yield f"{said} satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"{said} satisfy enum value set: [{', '.join(rules['enum'])}]"
