"""/_local: what only the local Data API can do, for commands and tests. `admin_client` is its client."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local_aws.data_api.account import Account
from local_aws.data_api.cluster import Cluster
from local_aws.data_api.clusters import Clusters
from local_aws.data_api.errors import ApiError, bad_request
from local_aws.data_api.faults import Faults
from local_aws.data_api.guard import TOO_LARGE
from local_aws.data_api.server_process import Embedded
from local_aws.data_api.standalone import Standalone

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class AdminApi:
    def __init__(self, account: Account, faults: Faults) -> None:
        self._account = account
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_local/status", _handler(self._status)),
            web.post("/_local/pause", _handler(self._pause)),
            web.post("/_local/resume", _handler(self._resume)),
            web.post("/_local/snapshot", _handler(self._snapshot)),
            web.post("/_local/delete", _handler(self._delete)),
            web.get("/_local/faults", _handler(self._list_faults)),
            web.post("/_local/faults", _handler(self._add_fault)),
            web.delete("/_local/faults", _handler(self._clear_faults)),
            web.post("/_local/secrets", _handler(self._add_secret)),
        ]

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"clusters": [_describe(cluster) for cluster in self._account.clusters]}

    async def _pause(self, body: dict[str, Any]) -> dict[str, Any]:
        for cluster in await self._named(body):
            await cluster.pause()
        return {}

    async def _resume(self, body: dict[str, Any]) -> dict[str, Any]:
        for cluster in await self._named(body):
            await cluster.resumed()
        return {}

    async def _snapshot(self, body: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(self._account, Clusters):
            raise bad_request(
                "snapshots need a control plane, which restores them: start the local Data API with --aws"
            )
        await self._account.snapshot(body["resourceId"], body["name"])
        return {}

    async def _delete(self, body: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(self._account, Clusters):
            raise bad_request("only clusters of a control plane can be deleted: start the local Data API with --aws")
        await self._account.delete(body["resourceId"], body["arn"])
        return {}

    async def _list_faults(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"faults": self._faults.as_json()}

    async def _add_fault(self, body: dict[str, Any]) -> dict[str, Any]:
        self._faults.add(body)
        return {}

    async def _clear_faults(self, _: dict[str, Any]) -> dict[str, Any]:
        self._faults.clear()
        return {}

    async def _add_secret(self, body: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(self._account, Standalone):
            raise bad_request("with a control plane, secrets are kept in its Secrets Manager")
        return {"arn": self._account.add_secret(body["name"], body["text"]).arn}

    async def _named(self, body: dict[str, Any]) -> list[Cluster]:
        arn = body.get("resourceArn")
        return [await self._account.cluster(arn)] if arn else list(self._account.clusters)


def _handler(handle: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(http: web.Request) -> web.StreamResponse:
        if TOO_LARGE in http:
            return web.json_response({"message": "the request is too large"}, status=413)
        try:
            body = json.loads(await http.read() or b"{}")
            return web.json_response(await handle(body))
        except ApiError as error:
            return web.json_response(error.members, status=error.status)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            return web.json_response(
                {"message": f"the request is not what the admin API expects: {error!r}"}, status=400
            )

    return serve


def _describe(cluster: Cluster) -> dict[str, Any]:
    server = cluster.server
    return {
        "identifier": cluster.info.identifier,
        "arn": cluster.info.arn,
        "state": cluster.state,
        "port": server.port,
        "directory": str(server.postgres.directory) if isinstance(server, Embedded) else None,
        "pid": server.postgres.pid if isinstance(server, Embedded) else None,
        "pauseSeconds": cluster.info.idle_seconds,
        "openTransactions": len(cluster.transactions),
        "idleConnections": cluster.pool.idle,
    }
