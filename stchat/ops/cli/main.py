"""`stchat`: the schema, the databases and the chats, on AWS or on the laptop, as the environment says."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from stchat.errors import StchatError
from stchat.ops.cli import chat, cost, db, doctor, schema, smoke
from stchat.ops.cli.output import Answer

SQL = Path("sql")
_ENVIRONMENT = """environment:
  STCHAT_CLUSTER_ARN, STCHAT_SECRET_ARN  the cluster, and the secret to log in with
  STCHAT_DATABASE                        the database of the db commands (postgres), and of the chats
  STCHAT_APP_SECRET_ARN                  the application's secret, for the chat commands
  STCHAT_EMBEDDING_MODEL                 Bedrock's id of the model (cohere.embed-multilingual-v3)
  AWS_...                                as for the aws command
On the laptop: eval "$(local-aws env)"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("stchat").setLevel(logging.INFO)
    try:
        answer: Answer = parsed.run(parsed)
    except StchatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(getattr(parsed, "stopped", "stopped"), file=sys.stderr)
        return 130
    print(answer.to_json() if parsed.json else answer.to_text())
    return answer.code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="answer in JSON")
    parser = argparse.ArgumentParser(
        prog="stchat",
        description=__doc__,
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    groups = parser.add_subparsers(required=True, metavar="GROUP")
    migrations = groups.add_parser("schema", help="the migrations of sql/")
    migrations.add_argument("--sql", type=Path, default=SQL, help="the folder of the migrations (sql)")
    schema.add_to(migrations.add_subparsers(required=True, dest="command", metavar="COMMAND"), common)
    databases = groups.add_parser("db", help="what is in the databases")
    databases.add_argument("--database", help="instead of STCHAT_DATABASE")
    db.add_to(databases.add_subparsers(required=True, dest="command", metavar="COMMAND"), common)
    chats = groups.add_parser("chat", help="one user's history and memory")
    chat.add_to(chats.add_subparsers(required=True, dest="command", metavar="COMMAND"), common)
    cost.add_to(groups, common)
    doctor.add_to(groups, common)
    smoke.add_to(groups, common)
    return parser
