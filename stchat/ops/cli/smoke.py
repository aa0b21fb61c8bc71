"""`stchat smoke`: proves a deployment with rows of its own, which it deletes again.

It logs in as the application's role alone. Exits with 1 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat.embeddings import CohereEmbedder
from stchat.data_api import DataApi
from stchat.data_api.retry import Backoff
from stchat.environment import ApplicationSettings
from stchat.ops.cli.output import Answer, table
from stchat.ops.privileges import SmokeError
from stchat.ops.smoke import Invoke, Smoke

AGAIN = (429, 503)  # what passes by itself, as the chat function says


def run(arguments: argparse.Namespace) -> Answer:
    settings = ApplicationSettings.from_environment()
    app = DataApi.from_settings(settings).with_timeout(arguments.timeout)
    smoke = Smoke(
        app,
        None if arguments.no_embedding else CohereEmbedder(model_id=settings.embedding_model),
        replace(app, secret_arn=arguments.read_secret) if arguments.read_secret else None,
        through(arguments.function, arguments.timeout) if arguments.function else None,
    )
    results = smoke.run()
    failed = sum(not result.ok for result in results)
    rows = [
        {"": "ok" if result.ok else "FAILED", "check": result.check, "ms": result.ms, "says": result.says}
        for result in results
    ]
    left_out = [
        f"left out: {what}"
        for what, given in (
            ("the embedding model (--no-embedding): the vectors are the check's own", not arguments.no_embedding),
            ("the read role (--read-secret, STCHAT_READ_SECRET_ARN)", arguments.read_secret),
            ("the chat function (--function, STCHAT_CHAT_FUNCTION)", arguments.function),
        )
        if not given
    ]
    verdict = f"{failed} of {len(results)} checks failed" if failed else f"{len(results)} checks passed"
    return Answer(
        [asdict(result) for result in results],
        "\n".join([table(rows), *left_out, verdict]),
        code=1 if failed else 0,
    )


def through(name: str, timeout: float) -> Invoke:
    """Calls the function, again while it says that it is worth it."""
    client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}, read_timeout=120))

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        tries = Backoff(timeout)
        while True:
            try:
                answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
                body = json.loads(answer["Payload"].read())
            except (ClientError, BotoCoreError) as error:
                raise SmokeError(f"function {name}: {error}") from error
            if "FunctionError" in answer:
                raise SmokeError(f"function {name} failed: {body.get('errorType')}; its log says more")
            if body["status"] == 200:
                return dict(body)
            if body["status"] not in AGAIN or tries.are_over:
                raise SmokeError(f"function {name} answered {body['status']}: {body['error']}")
            tries.pause()

    return invoke


def add_to(groups: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = groups.add_parser(
        "smoke",
        help="prove a deployment: write, read, recall, isolation, privileges",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
        epilog="environment: STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN, STCHAT_DATABASE, STCHAT_EMBEDDING_MODEL",
    )
    parser.add_argument("--no-embedding", action="store_true", help="without Bedrock: vectors of its own")
    parser.add_argument(
        "--read-secret",
        metavar="ARN",
        default=os.environ.get("STCHAT_READ_SECRET_ARN"),
        help="of the role st_chat_read (STCHAT_READ_SECRET_ARN)",
    )
    parser.add_argument(
        "--function",
        metavar="NAME",
        default=os.environ.get("STCHAT_CHAT_FUNCTION"),
        help="the chat function, to go through it too (STCHAT_CHAT_FUNCTION)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=180.0,
        metavar="S",
        help="seconds to wait for a sleeping cluster (%(default)g)",
    )
    parser.set_defaults(run=run)
