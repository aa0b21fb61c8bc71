"""local-aws data-api: the endpoint as a program, with Bedrock Runtime on the same address."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path

import uvloop
from aiohttp import web

from local_aws import credentials, processes
from local_aws.bedrock.server import WHAT_IT_IS, Bedrock
from local_aws.credentials import AccessKey
from local_aws.data_api.account import Account
from local_aws.data_api.clusters import Clusters
from local_aws.data_api.control_plane import ControlPlane
from local_aws.data_api.errors import ApiError
from local_aws.data_api.faults import Faults
from local_aws.data_api.guard import REFUSED_TYPES
from local_aws.data_api.operations import Operations
from local_aws.data_api.server import Server
from local_aws.data_api.settings import Settings
from local_aws.data_api.standalone import CLUSTER_ARN, Alone
from local_aws.data_api.transactions import Limits
from local_aws.processes import LocalError
from local_aws.request_guard import RequestGuard
from local_aws.state import DEFAULT_DIRECTORY, REGION

TEND_SECONDS = 0.5
LOG = logging.getLogger("local_aws.data_api")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = Settings()
    parser.add_argument("--port", type=int, default=4567, help="on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--aws", metavar="URL", help="a control plane that knows the clusters and secrets (ministack)")
    parser.add_argument("--dsn", metavar="postgresql://...", help="a server of yours, in place of the embedded one")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DIRECTORY / "data-api", help="where databases are kept (.local/data-api)"
    )
    parser.add_argument(
        "--credentials",
        metavar="DIR",
        type=Path,
        help="where credentials.json is, the key that requests are signed with; made if missing (default: --data)",
    )
    for flag, default, help_ in (
        ("--resume-seconds", defaults.resume_seconds, "how long a paused cluster takes to wake up"),
        ("--statement-seconds", defaults.statement_seconds, "how long a statement may take"),
        ("--transaction-idle-seconds", defaults.transactions.idle_seconds, "how long a transaction waits for a call"),
        ("--transaction-seconds", defaults.transactions.total_seconds, "how long a transaction may take in all"),
        ("--idle-seconds", defaults.idle_seconds, "auto-pause of the cluster made up here"),
    ):
        parser.add_argument(flag, type=float, default=default, help=f"{help_} (default: {default or 'never'})")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; every PostgreSQL server that was started is then stopped."""
    processes.require_free_ports({"--port": args.port})
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    settings = Settings(
        resume_seconds=args.resume_seconds,
        statement_seconds=args.statement_seconds,
        idle_seconds=args.idle_seconds,
        transactions=Limits(args.transaction_idle_seconds, args.transaction_seconds),
    )
    key = credentials.load_or_make(args.credentials or args.data)
    account = await _account(args, settings, key)
    faults = Faults()
    guard = RequestGuard(key, args.port, REFUSED_TYPES)
    operations = Operations(account, settings.statement_seconds)
    server = Server(account, operations, faults, guard, Bedrock(account, faults).routes())
    runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=2)
    tending = asyncio.create_task(_tend(account))
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", args.port).start()
        if isinstance(account, Alone):
            print(_exports(args.port, account, key), flush=True)
        LOG.info("Bedrock Runtime on the same address: Cohere Embed v3's shapes, vectors of %s", WHAT_IT_IS)
        print(f"Data API on http://127.0.0.1:{args.port}", flush=True)
        await stopped.wait()
    finally:
        tending.cancel()
        await runner.cleanup()
        await account.stop()


async def _account(args: argparse.Namespace, settings: Settings, key: AccessKey) -> Account:
    if args.aws:
        return Clusters(ControlPlane(args.aws, key), args.data, settings)
    if args.dsn:
        return Alone.existing(args.dsn, settings)
    return await Alone.embedded(args.data, settings)


async def _tend(account: Account) -> None:
    while True:
        await asyncio.sleep(TEND_SECONDS)
        for tend in (account.tend, *(cluster.tend for cluster in account.clusters)):
            try:
                await tend()
            except (LocalError, ApiError, OSError):
                LOG.exception("tending failed")


def _exports(port: int, account: Alone, key: AccessKey) -> str:
    values = {
        "AWS_ENDPOINT_URL_RDS_DATA": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "STCHAT_CLUSTER_ARN": CLUSTER_ARN,
        "STCHAT_SECRET_ARN": account.master_secret.arn,
        "STCHAT_DATABASE": account.clusters[0].facts.default_database,
    }
    return "\n".join(f"export {name}={value}" for name, value in values.items())
