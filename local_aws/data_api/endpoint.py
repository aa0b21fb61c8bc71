"""The running endpoint: server, account and their maintenance, from start to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web

from local_aws import credentials
from local_aws.bedrock.embedders import Embedder
from local_aws.bedrock.server import Bedrock
from local_aws.credentials import AccessKey
from local_aws.data_api import env_file
from local_aws.data_api.account import Account
from local_aws.data_api.clusters import Clusters
from local_aws.data_api.control_plane import ControlPlane
from local_aws.data_api.errors import ApiError
from local_aws.data_api.faults import Faults
from local_aws.data_api.guard import REFUSED_TYPES
from local_aws.data_api.operations import Operations
from local_aws.data_api.server import Server
from local_aws.data_api.settings import Settings
from local_aws.data_api.standalone import Arns, Standalone
from local_aws.processes import LocalError
from local_aws.request_guard import RequestGuard

MAINTENANCE_SECONDS = 0.5
LOG = logging.getLogger("local_aws.data_api")


@dataclass(frozen=True, kw_only=True)
class Options:
    """`aws` is the address of a control plane; without it the endpoint is standalone, over `dsn` if there is one.

    `credentials` is the directory of the access key that requests are signed with.
    """

    port: int
    data: Path
    credentials: Path
    aws: str | None
    dsn: str | None
    settings: Settings
    arns: Arns
    env_file: Path | None
    embedder: Embedder


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(_serve(options))


async def _serve(options: Options) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    key = credentials.load_or_make(options.credentials)
    account = await _account(options, key)
    faults = Faults()
    operations = Operations(account, options.settings.statement_seconds)
    guard = RequestGuard(key, options.port, REFUSED_TYPES)
    server = Server(account, operations, faults, guard, Bedrock(account, faults, options.embedder).routes())
    runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=2)
    maintenance = asyncio.create_task(_maintain(account))
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", options.port).start()
        if isinstance(account, Standalone):
            values = env_file.values(options.port, key, account.arns, account.database)
            if options.env_file is not None:
                env_file.write(options.env_file, values)
            print(env_file.exports(values), flush=True)
        LOG.info(
            "Bedrock Runtime on the same address: Cohere Embed v3's shapes, vectors of %s", options.embedder.description
        )
        print(f"Data API on http://127.0.0.1:{options.port}", flush=True)
        await stopped.wait()
    finally:
        maintenance.cancel()
        await runner.cleanup()
        await account.stop()


async def _account(options: Options, key: AccessKey) -> Account:
    if options.aws:
        return Clusters(ControlPlane(options.aws, key), options.data, options.settings)
    if options.dsn:
        return Standalone.existing(options.dsn, options.settings, options.arns)
    return await Standalone.embedded(options.data, options.settings, options.arns)


async def _maintain(account: Account) -> None:
    while True:
        await asyncio.sleep(MAINTENANCE_SECONDS)
        for maintain in (account.refresh, *(cluster.run_maintenance for cluster in account.clusters)):
            try:
                await maintain()
            except (LocalError, ApiError, OSError):
                LOG.exception("maintenance failed")
