"""local-aws: the local AWS, from start to removal."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local_aws import clean_environment, commands, stack
from local_aws.bedrock import embedders
from local_aws.processes import LocalError
from local_aws.state import IN_CHECKOUT, REPOSITORY
from stchat.errors import StchatError
from stchat.ops import files
from stchat.ops.cli.arguments import seconds

# Each app has a local AWS of its own.
DATA_API = "data-api"
WITH_APP = ("up", "deploy", "cdk", "status", "env", "psql", "pause", "down", "reset")
DESCRIPTION = """\
AWS on this machine, without an account and without Docker: ministack is the control plane, PostgreSQL 16
with pgvector the Aurora cluster, and an RDS Data API of this project's own stands between them.
Everything listens on 127.0.0.1 and keeps its state under .local/."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    words = sys.argv[1:] if argv is None else argv
    arguments, rest = _parser(words).parse_known_args(words)
    if rest and not getattr(arguments, "takes_rest", False):
        _parser(words).error(f"unknown arguments: {' '.join(rest)}")
    if getattr(arguments, "app", None) is None:
        arguments.app = REPOSITORY if IN_CHECKOUT else Path.cwd()
    arguments.app = arguments.app.resolve()
    arguments.directory = (arguments.directory or arguments.app / ".local").resolve()
    # The Data API takes the address of a server of the user's own from its environment.
    clean_environment.enter(keep=getattr(arguments, "keep", ()))
    arguments.rest = rest[1:] if rest[:1] == ["--"] else rest
    # A SIGTERM unwinds the stack like a Ctrl-C does, so that what was started is stopped. A shell starts what it runs
    # in the background with SIGINT ignored, and Python leaves that so: both are heeded wherever this was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return int(arguments.run(arguments))
    except (LocalError, StchatError) as error:
        if text := str(error):
            print(f"error: {text}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {files.describe(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: what this command started is stopped", file=sys.stderr)
        return 128 + signal.SIGINT


def port(text: str) -> int:
    """A port that a server can listen on."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port must be 1 to 65535, got {text}")
    return int(text)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local-aws", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--directory",
        type=Path,
        help="where state, databases and logs are kept (default: .local in the app's folder)",
    )
    app = argparse.ArgumentParser(add_help=False)
    app.add_argument("--app", metavar="DIR", type=Path, help="another CDK app's folder (default: this checkout's)")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: commands.Command, help: str, *, takes_rest: bool = False) -> argparse.ArgumentParser:
        subparser = subparsers.add_parser(name, help=help, description=help, parents=[app] if name in WITH_APP else [])
        subparser.set_defaults(run=run, takes_rest=takes_rest)
        return subparser

    up = command("up", commands.up, "start everything, deploy the app with the CDK CLI, show what is there")
    last = "default: as the last time, at first"
    up.add_argument("--aws-port", type=port, help=f"control plane ({last} {stack.AWS_PORT})")
    up.add_argument("--data-api-port", type=port, help=f"Data API ({last} {stack.DATA_API_PORT})")
    up.add_argument(
        "--resume-seconds",
        type=seconds,
        default=stack.RESUME_SECONDS,
        help="how long a paused cluster takes to wake up; Aurora: about 15 (default: %(default)s)",
    )
    up.add_argument("--embeddings", choices=embedders.CHOICES, default="auto", help=embedders.HELP)
    up.add_argument("--no-deploy", action="store_true", help="start the servers alone")
    command(
        "deploy",
        commands.deploy,
        "run `cdk deploy` again; further arguments go to the CDK CLI",
        takes_rest=True,
    )
    command("cdk", commands.cdk, "run any other command of the CDK CLI, such as `cdk diff`", takes_rest=True)
    command("status", commands.status, "what runs, what is deployed; exits with 1 when nothing is up")
    env = command("env", commands.env, 'export lines for boto3, the aws CLI and cdk: eval "$(local-aws env)"')
    env.add_argument(
        "--unset",
        action="store_true",
        help="unset lines instead: all that `env` sets, also what the shell had set before",
    )
    psql = command("psql", commands.psql, "PostgreSQL's own shell on the cluster, as the master user", takes_rest=True)
    psql.add_argument("--database", help="default: the application's")
    for one in (env, psql):
        one.add_argument("--stage", default="dev", help="whose cluster (default: %(default)s)")
    command("pause", commands.pause, "put the cluster to sleep, as Aurora does after 30 idle minutes")
    command("down", commands.down, "stop everything; state and data stay")
    command("reset", commands.reset, "stop everything and delete state and data")
    help = "the RDS Data API alone, for other projects and other languages"
    if DATA_API in words:
        from local_aws.data_api import cli as data_api  # a server and its libraries: half of what a command takes

        data_api.add_arguments(command(DATA_API, data_api.run, help))
    else:
        subparsers.add_parser(DATA_API, help=help)
    return parser


if __name__ == "__main__":
    sys.exit(main())
