"""`stchat adopt`: what was made by hand in the account, and the steps to a managed cluster with its rows.

Reads the account, and changes nothing. The names come from the templates of the stage's settings.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stchat.data_api import aws_client
from stchat.ops import templates
from stchat.ops.adopt import ACTIONS, steps, survey
from stchat.ops.cli.output import Answer
from stchat.ops.language import language

_EPILOG = "\n  ".join(("IAM actions that it needs:", *ACTIONS))


def run(arguments: argparse.Namespace) -> Answer:
    found = survey(_client, arguments.stage, _templates(arguments), arguments.cluster)
    data = asdict(found) | {"new_settings": found.new_settings}
    return Answer([], steps(found, arguments.lang or language()), data=data)


def _templates(arguments: argparse.Namespace) -> list[templates.Template]:
    if arguments.templates is not None:
        return templates.load(arguments.templates / arguments.stage)
    return templates.synthesized(arguments.stage)


def _client(service: str) -> Any:
    return aws_client(service, attempts=3)


def add_to(groups: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = groups.add_parser(
        "adopt",
        help="what was made by hand, and the steps to a managed cluster",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--stage", default="dev", help="one of stacks/config.py (%(default)s)")
    parser.add_argument("--cluster", metavar="IDENTIFIER", help="the hand-made cluster (the stage's own name)")
    parser.add_argument("--lang", choices=("en", "ja"), help="language of the steps (STCHAT_LANG, else the locale's)")
    parser.add_argument(
        "--templates", type=Path, metavar="DIR", help="the stage's templates in DIR/<stage>, instead of synthesizing"
    )
    parser.set_defaults(run=run)
