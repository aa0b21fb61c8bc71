"""The Data API's door: every request passes the request guard before it is served."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from local_aws import request_guard, signature
from local_aws.data_api.account import Account
from local_aws.request_guard import FORM, MULTIPART, TEXT, Refusal, RequestGuard
from local_aws.signature import HttpRequest

# What no client of the Data API or of Bedrock Runtime sends: every type that a page may send without asking first.
REFUSED_TYPES = (TEXT, MULTIPART, FORM)
# A body over the limit: it is not served, so it was not checked either.
TOO_LARGE = web.RequestKey("too_large", bool) if hasattr(web, "RequestKey") else "too_large"


def middleware(guard: RequestGuard, account: Account) -> Middleware:
    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
        http = HttpRequest(request.method, path, query, headers)
        refusal = guard.refuse_browser(http) or guard.refuse_unsigned(http)
        if refusal is None:
            try:
                body = await request.read()
            except web.HTTPRequestEntityTooLarge:
                request[TOO_LARGE] = True
                return await handler(request)
            refusal = await _refuse_signature(guard, account, http, body)
        if refusal is None:
            return await handler(request)
        answered, text = request_guard.response(http, refusal)
        return web.Response(status=403, headers=answered, body=text)

    return guarded


async def _refuse_signature(guard: RequestGuard, account: Account, request: HttpRequest, body: bytes) -> Refusal | None:
    found = signature.parse(request)
    assert found is not None
    secret = guard.secret(found.access_key, lambda _: None)
    if secret is None:
        secret = await asyncio.to_thread(account.secret_key, found.access_key)
    return guard.refuse_signature(request, body, secret)
