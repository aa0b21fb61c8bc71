"""The custom resource that keeps the schema: the two functions that the CDK's Provider framework calls.

`on_event` checks what was asked. `is_complete` does what it can in the time it has, and is called again
until it answers that it is complete. The reason that CloudFormation shows is the text of the error raised.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Protocol

import boto3

from stchat.data_api import DataApi, rds_data_client
from stchat.environment import Settings
from stchat.errors import MigrationError, StchatError, TransientError
from stchat.schema import memory_codes, memory_words
from stchat.schema.execution import RetryLater
from stchat.schema.global_hnsw_index import SupersededError, keep, parse_states
from stchat.schema.migration import Migration
from stchat.schema.roles import parse_roles, set_role_passwords
from stchat.schema.runner import Runner

logging.basicConfig()  # where no runtime has set up logging yet
logging.getLogger("stchat").setLevel(logging.INFO)
log = logging.getLogger(__name__)

PHYSICAL_ID = "stchat-schema"  # constant: another one would be a replacement, and then a Delete
SQL = Path(__file__).parents[2] / "sql"

TIMEOUT_SECONDS = 20.0  # waited within one call for a cluster that is paused, or for another runner
RESERVE_SECONDS = 70.0  # one call of the Data API, and the end of this one
REASON_CHARACTERS = 1_000  # CloudFormation's whole answer has 4 KB

Event = dict[str, Any]


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


def on_event(event: Event, _: Context) -> Event:
    if event["RequestType"] != "Delete":
        _migrations(event)
        _roles(event)
        _indexes(event)
    return {"PhysicalResourceId": PHYSICAL_ID}


def is_complete(event: Event, context: Context) -> Event:
    """Delete touches no data, so there is nothing to do."""
    if event["RequestType"] == "Delete":
        return {"IsComplete": True}
    try:
        return _is_complete(event, context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)
    except StchatError as error:
        reason = str(error)
        log.error("%s", reason)
        raise MigrationError(
            reason[: REASON_CHARACTERS - 3] + "..." if len(reason) > REASON_CHARACTERS else reason
        ) from None


def _is_complete(event: Event, seconds: float) -> Event:
    began = time.monotonic()
    settings = Settings.from_environment()
    migrations = _migrations(event)
    timeout = max(0.0, min(TIMEOUT_SECONDS, seconds))
    api = DataApi(rds_data_client(), settings.cluster_arn, settings.secret_arn, settings.database, timeout)
    runner = Runner(api, migrations, SQL, _deploy(event))
    if not runner.apply(timeout=timeout, seconds=seconds):
        return {"IsComplete": False}
    try:
        for database, wanted in _indexes(event).items():
            keep(api.with_database(database), wanted, _deploy(event), began + seconds)
            memory_codes.keep(api.with_database(database), began + seconds)
            memory_words.keep(api.with_database(database), began + seconds)
        set_role_passwords(api, boto3.client("secretsmanager"), _roles(event))
    except (RetryLater, TransientError) as reason:
        log.info("%s", reason)
        return {"IsComplete": False}
    except SupersededError as reason:
        log.warning("%s: nothing is left to do for it", reason)
    return {"IsComplete": True, "Data": {"Migrations": str(len(migrations))}}


def _migrations(event: Event) -> list[Migration]:
    """The map of files, in which CloudFormation keeps no order: `postgres` first, since it makes the others."""
    files: dict[str, str] = event["ResourceProperties"]["Migrations"]
    migrations = [Migration.from_property(f"{file} {rest}") for file, rest in files.items()]
    return sorted(migrations, key=lambda one: (one.database != "postgres", one.database, one.version))


def _roles(event: Event) -> dict[str, str]:
    return parse_roles(event["ResourceProperties"].get("Roles", []))


def _indexes(event: Event) -> dict[str, bool]:
    return parse_states(event["ResourceProperties"].get("GlobalHnswIndex", {}))


def _deploy(event: Event) -> str:
    """The stack and CloudFormation's request, which stays the same while this one is called again."""
    stack = event["StackId"].rpartition(":stack/")[2].partition("/")[0]
    return f"{stack} {event['RequestId']}"
