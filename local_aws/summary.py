"""What a person sees when everything is up: asked of the database over the Data API, not remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from local_aws import sample_conversation
from local_aws.state import REPOSITORY, LocalAws
from stchat.data_api import DataApi

VERSIONS = """
SELECT 'PostgreSQL ' || current_setting('server_version') AS server,
       (SELECT 'pgvector ' || extversion FROM pg_extension WHERE extname = 'vector') AS vector,
       'as ' || current_user || CASE WHEN rolsuper THEN ', a superuser' ELSE ', no superuser' END AS master
FROM pg_roles WHERE rolname = current_user"""

CONNECT = """
connect, after `source .venv/bin/activate`:
  eval "$(local-aws env)"               boto3, the aws CLI, cdk and stchat then work from this shell
  local-aws psql                        PostgreSQL's own shell
  stchat schema status                  which migrations are applied
  stchat chat recall demo birthday      what that user said of it
  local-aws pause                       pause the cluster, and see the next call wait for it
"""


OTHER_CONNECT = """
connect:
  eval "$(local-aws env)"               boto3, the aws CLI and cdk then work from this shell
  local-aws psql                        PostgreSQL's own shell
"""


def is_chat(deployed: Mapping[str, str]) -> bool:
    """Whether it is the application of this repository, with its database and its functions."""
    return "STCHAT_CHAT_FUNCTION" in deployed and "STCHAT_APP_SECRET_ARN" in deployed


def show(here: LocalAws, deployed: Mapping[str, str]) -> None:
    """What is there, a conversation kept and recalled, and how to connect. `deployed`: the application's variables."""
    print("\nstacks:")
    for stack in sorted(_stacks(here), key=lambda stack: stack["CreationTime"]):
        print(f"  {stack['StackName']:<24} {stack['StackStatus']}")
    if not is_chat(deployed):
        print("\noutputs:")
        for name, value in deployed.items():
            print(f"  {name:<24} {value}")
        print(OTHER_CONNECT)
        return
    for what in ("databases", "tables"):
        print(f"\n{what}:", flush=True)
        _print_indented(_stchat(here, deployed, "db", what))
    print("\nindexes:", flush=True)
    for index in json.loads(_stchat(here, deployed, "db", "indexes", "--json")):
        print(f"  {index['index']:<52} {index['definition'].partition(' USING ')[2]}")
    cluster, secret, database = (deployed[f"STCHAT_{name}"] for name in ("CLUSTER_ARN", "SECRET_ARN", "DATABASE"))
    api = DataApi(here.client("rds-data"), cluster, secret, database)
    [versions] = api.execute(VERSIONS, idempotent=True).rows
    print("\nversions:")
    _print_indented("\n".join(str(value) for value in versions.values()))
    print("\nchat history and chat memory:", flush=True)
    for line in sample_conversation.lines(here, deployed):
        print(f"  {line}")
    print(CONNECT)


def _stacks(here: LocalAws) -> list[dict[str, Any]]:
    stacks: list[dict[str, Any]] = here.client("cloudformation").describe_stacks()["Stacks"]
    return stacks


def _stchat(here: LocalAws, deployed: Mapping[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "stchat", *arguments],
        env=here.child_environment() | dict(deployed),
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _print_indented(text: str) -> None:
    for line in text.rstrip().splitlines():
        print(f"  {line}")
