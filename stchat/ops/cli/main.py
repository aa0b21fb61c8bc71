"""`stchat`: the schema, the databases and the chats, on AWS or on the local AWS, as the environment decides."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api import describe_error
from stchat.errors import StchatError
from stchat.ops import files
from stchat.ops.cli.output import Answer, printable
from stchat.ops.language import Language, language
from stchat.ops.messages import explain, with_hint

SQL = Path("sql")
# Each in its module of stchat.ops.cli, imported when it is asked for: none needs the others' extras.
GROUPS = {
    "schema": "the migrations of sql/",
    "db": "what is in the databases",
    "chat": "one user's history and memory",
    "user": "all that is stored of a user: export, erase; what has expired: sweep",
    "embeddings": "which model has embedded the memories, and the move to another",
    "adopt": "what was made by hand, and the steps to a managed cluster",
    "cost": "what a month of each stage costs",
    "doctor": "a running cluster: what is wrong, and what blocks auto-pause",
    "smoke": "prove a deployment: write, read, recall, isolation, privileges",
}
# Of the groups that have commands: the options before the command.
_OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "schema": {"--sql": {"type": Path, "default": SQL, "help": "the folder of the migrations (sql)"}},
    "db": {"--database": {"help": "instead of STCHAT_DATABASE"}},
    "chat": {},
    "user": {"--database": {"help": "instead of STCHAT_DATABASE"}},
    "embeddings": {"--database": {"help": "instead of STCHAT_DATABASE"}},
}
# The top-level package of an extra -> the extra.
_EXTRAS = {"postgast": "cdk", "aws_cdk": "cdk", "psycopg": "local"}
_ENVIRONMENT = """environment:
  STCHAT_CLUSTER_ARN, STCHAT_SECRET_ARN  the cluster, and the secret to log in with
  STCHAT_DATABASE                        the database of the db and user commands (postgres), and of the chats
  STCHAT_APP_SECRET_ARN                  the application's secret, for the chat commands, user export and erase
  STCHAT_EMBEDDING_MODEL                 Bedrock's id of the model (cohere.embed-multilingual-v3)
  STCHAT_MEMORY_DAYS, STCHAT_HISTORY_DAYS  after how many days memories and turns expire (never)
  STCHAT_EMBEDDING_REGION                where Bedrock is asked for it (the region of STCHAT_CLUSTER_ARN)
  STCHAT_LANG                            ja: what to do about an error, in Japanese too
  AWS_...                                as for the aws command; the region is that of STCHAT_CLUSTER_ARN
For the local AWS: eval "$(local-aws env)"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        _print_anything(stream)
    words = sys.argv[1:] if arguments is None else arguments
    parsed = _parser([word for word in words if not word.startswith("-")][:1]).parse_args(words)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("stchat").setLevel(logging.INFO)
    spoken: Language = "en"
    try:
        spoken = language()
        answer: Answer = parsed.run(parsed)
    except KeyboardInterrupt:
        print(getattr(parsed, "stopped", "stopped"), file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 (an operator gets a line with a hint, never a traceback)
        print(f"error: {printable(_describe(error))}", file=sys.stderr)
        if (text := explain(error, spoken)) and _has_unicode(sys.stderr):
            print(text, file=sys.stderr)
        return 1
    print(answer.to_json(ascii_only=not _has_unicode(sys.stdout)) if parsed.json else printable(answer.to_text()))
    return answer.code


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version  # read when it is asked for

        try:
            print(f"stchat {version('stchat')}")
        except PackageNotFoundError:
            parser.exit(1, "stchat is not installed: this is its checkout\n")
        parser.exit()


def _describe(error: Exception) -> str:
    if isinstance(error, StchatError):
        return with_hint(error)
    if isinstance(error, (BotoCoreError, ClientError)):
        return describe_error(error)
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get((error.name or "").partition(".")[0])):
        return f'this command needs the package {error.name}: pip install "stchat[{extra}]"'
    if isinstance(error, OSError):
        return files.describe(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(f"{type(error).__name__} {error}".split())
    return f"{text}, at {where.filename}:{where.lineno}: this is a bug of stchat, please report the line"


def _print_anything(stream: TextIO) -> None:
    """A terminal whose encoding lacks a character (LANG=C) shows its escape instead."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def _has_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "ascii").lower().replace("-", "").startswith("utf")


def _parser(chosen: Sequence[str] = tuple(GROUPS)) -> argparse.ArgumentParser:
    """With the commands of the chosen groups, and the names of the others."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="answer in JSON")
    parser = argparse.ArgumentParser(
        prog="stchat",
        description=__doc__,
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version of the distribution and exit")
    groups = parser.add_subparsers(required=True, metavar="GROUP")
    for group, what in GROUPS.items():
        if group in chosen:
            target = groups
            if group in _OPTIONS:
                commands = groups.add_parser(group, help=what)
                for option, settings in _OPTIONS[group].items():
                    commands.add_argument(option, **settings)
                target = commands.add_subparsers(required=True, dest="command", metavar="COMMAND")
            import_module(f"stchat.ops.cli.{group}").add_to(target, common)
        else:
            groups.add_parser(group, help=what)
    return parser
