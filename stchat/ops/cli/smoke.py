"""`stchat smoke`: proves a deployment of the chat's schema with rows of its own, which it deletes again.

It logs in as the application's role alone. Exits with 1 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat import CohereEmbedder
from stchat.data_api import Backoff, DataApi, aws_client, describe_error, retry
from stchat.environment import ApplicationSettings, Variable, region_of
from stchat.ops.cli.arguments import seconds
from stchat.ops.cli.output import Answer, table
from stchat.ops.privileges import SmokeError
from stchat.ops.smoke import Invoke, Smoke

RETRYABLE = (429, 503)  # statuses of the chat function that are transient
READ_SECONDS = 120.0


def run(arguments: argparse.Namespace) -> Answer:
    settings = ApplicationSettings.from_environment()
    region = region_of(settings.cluster_arn)
    app = DataApi.from_settings(settings).with_timeout(arguments.timeout)
    smoke = Smoke(
        app,
        None
        if arguments.no_embedding
        else CohereEmbedder(model_id=settings.embedding_model, region=settings.bedrock_region),
        replace(app, secret_arn=arguments.read_secret) if arguments.read_secret else None,
        through(arguments.function, arguments.timeout, region) if arguments.function else None,
    )
    results = smoke.run()
    failed = sum(not result.ok for result in results)
    rows = [
        {"": "ok" if result.ok else "FAILED", "check": result.check, "ms": result.ms, "message": result.message}
        for result in results
    ]
    left_out = [
        f"left out: {what}"
        for what, given in (
            ("the embedding model (--no-embedding): the vectors are made without a model", not arguments.no_embedding),
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


class _FunctionBusyError(SmokeError):
    pass


def through(name: str, timeout: float, region: str | None = None) -> Invoke:
    """Invokes the function, and retries while its status is transient."""
    client = aws_client("lambda", region, read_seconds=READ_SECONDS)

    def attempt(payload: bytes) -> dict[str, Any]:
        try:
            response = client.invoke(FunctionName=name, Payload=payload)
            body = json.loads(response["Payload"].read())
        except (ClientError, BotoCoreError) as error:
            raise SmokeError(f"function {name}: {describe_error(error)}") from error
        if "FunctionError" in response:
            raise SmokeError(f"function {name} failed: {body.get('errorType')}; see its log")
        if not isinstance(body, dict) or "status" not in body:
            raise SmokeError(f"function {name} must return a status as the chat function does: --function names it")
        if body["status"] != 200:
            kind = _FunctionBusyError if body["status"] in RETRYABLE else SmokeError
            raise kind(f"function {name} returned {body['status']}: {body.get('error')}")
        return body

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        payload = json.dumps(event).encode()
        return retry(
            lambda: attempt(payload), Backoff(timeout), lambda error: isinstance(error, _FunctionBusyError), name
        )

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
    parser.add_argument("--no-embedding", action="store_true", help="without Bedrock: vectors that no model made")
    parser.add_argument(
        "--read-secret",
        metavar="ARN",
        default=os.environ.get(Variable.READ_SECRET_ARN),
        help="of the role st_chat_read (STCHAT_READ_SECRET_ARN)",
    )
    parser.add_argument(
        "--function",
        metavar="NAME",
        default=os.environ.get(Variable.CHAT_FUNCTION),
        help="the chat function, to check it too (STCHAT_CHAT_FUNCTION)",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=180.0,
        metavar="S",
        help="seconds to wait for a paused cluster (%(default)g)",
    )
    parser.set_defaults(run=run)
