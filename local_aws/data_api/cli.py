"""local-aws data-api: the endpoint as a program, with Bedrock Runtime on the same address."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ProgrammingError

from local_aws import processes
from local_aws.bedrock import embedders
from local_aws.data_api import background, endpoint
from local_aws.data_api.settings import Settings
from local_aws.data_api.standalone import CLUSTER_ARN, MASTER_SECRET, Arns, secret_arn
from local_aws.data_api.transactions import Limits
from local_aws.postgres.environment import remove_libpq_variables
from local_aws.processes import LocalError
from local_aws.state import DEFAULT_DIRECTORY
from stchat.environment import CLUSTER
from stchat.ops.cli.arguments import seconds

DSN = "STCHAT_DSN"
SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@!-]+-\w{6}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = Settings()
    parser.set_defaults(keep=(DSN,))
    parser.add_argument("--port", type=_port, default=4567, help="on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--aws", metavar="URL", help="the control plane that has the clusters and secrets (ministack)")
    parser.add_argument(
        "--dsn",
        metavar="postgresql://...",
        help=f"a server of yours, in place of the embedded one; {DSN} or --dsn-file keep its password out of `ps`",
    )
    parser.add_argument("--dsn-file", type=Path, metavar="FILE", help="a file that holds the DSN")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DIRECTORY / "data-api", help="where databases are kept (.local/data-api)"
    )
    parser.add_argument("--cluster-arn", type=_arn(CLUSTER), default=CLUSTER_ARN, help="what callers name the cluster")
    parser.add_argument(
        "--secret-arn",
        type=_arn(SECRET),
        default=secret_arn(MASTER_SECRET),
        help="what callers name the master user's secret",
    )
    parser.add_argument(
        "--credentials",
        metavar="DIR",
        type=Path,
        help="where credentials.json is, the key that requests are signed with; made if missing (default: --data)",
    )
    parser.add_argument("--background", action="store_true", help="return when it answers; it goes on")
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="write the exports there as NAME=value lines")
    parser.add_argument("--stop", action="store_true", help="stop the one that --background started with this --data")
    parser.add_argument("--embeddings", choices=embedders.CHOICES, default="auto", help=embedders.HELP)
    for flag, default, help_ in (
        ("--resume-seconds", defaults.resume_seconds, "how long a paused cluster takes to resume"),
        ("--statement-seconds", defaults.statement_seconds, "how long a statement may take"),
        ("--transaction-idle-seconds", defaults.transactions.idle_seconds, "how long a transaction waits for a call"),
        ("--transaction-seconds", defaults.transactions.total_seconds, "how long a transaction may take in all"),
        ("--idle-seconds", defaults.idle_seconds, "auto-pause of the standalone cluster"),
    ):
        parser.add_argument(flag, type=seconds, default=default, help=f"{help_} (default: {default or 'never'})")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; every PostgreSQL server that was started is then stopped."""
    if args.stop:
        return background.stop(args.data)
    processes.require_free_ports({"--port": args.port})
    dsn = None if args.aws else _dsn(args)
    if args.background:
        return background.start(args.data, args.port, args.env_file, background_command(), dsn)
    _hide_password(dsn)
    remove_libpq_variables()
    settings = Settings(
        resume_seconds=args.resume_seconds,
        statement_seconds=args.statement_seconds,
        idle_seconds=args.idle_seconds,
        transactions=Limits(args.transaction_idle_seconds, args.transaction_seconds),
    )
    arns = Arns(cluster=args.cluster_arn, secret=args.secret_arn)
    endpoint.run(
        endpoint.Options(
            port=args.port,
            data=args.data,
            aws=args.aws,
            dsn=dsn,
            settings=settings,
            arns=arns,
            env_file=args.env_file,
            credentials=args.credentials or args.data,
            embedder=embedders.choose(args.embeddings),
        )
    )
    return 0


def background_command() -> list[str]:
    """This command again, in the foreground, without what background.start passes on otherwise."""
    kept, words = [], iter(sys.argv[1:])
    for word in words:
        name, equals, _ = word.partition("=")
        if name in ("--dsn", "--env-file"):
            if not equals:
                next(words, None)
        elif word not in ("--background", "data-api"):
            kept.append(word)
    return [sys.executable, "-m", "local_aws.data_api", *kept]


def _dsn(args: argparse.Namespace) -> str | None:
    """
    Raises:
        LocalError: it is not a DSN. The text is not repeated, as it may hold a password.
    """
    if args.dsn and args.dsn_file:
        raise LocalError("--dsn and --dsn-file name two servers: give one of them")
    try:
        dsn = args.dsn_file.read_text().strip() if args.dsn_file else args.dsn or os.environ.get(DSN)
    except OSError as error:
        raise LocalError(f"--dsn-file must be a file that can be read, got {args.dsn_file}: {error.strerror}") from None
    try:
        conninfo_to_dict(dsn or "")
    except ProgrammingError:
        source = "--dsn-file" if args.dsn_file else "--dsn" if args.dsn else DSN
        raise LocalError(f"{source} must be an address such as postgresql://user:password@host:5432/database") from None
    return dsn or None


def _hide_password(dsn: str | None) -> None:
    """Start again with the DSN in the environment, if it is in the arguments: every user of the machine sees those."""
    if dsn is None or not any(dsn in word for word in sys.argv) or not conninfo_to_dict(dsn).get("password"):
        os.environ.pop(DSN, None)
        return
    os.environ[DSN] = dsn
    os.execv(sys.executable, background_command())  # noqa: S606


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, got {text}")
    return int(text)


def _arn(pattern: re.Pattern[str]) -> type:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            example = CLUSTER_ARN if pattern is CLUSTER else secret_arn(MASTER_SECRET)
            raise argparse.ArgumentTypeError(f"must be an ARN such as {example}, got {text}")
        return text

    return parse  # type: ignore[return-value]
