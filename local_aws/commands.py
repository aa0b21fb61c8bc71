"""The commands of local-aws, one function each."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable

from local_aws import cdk_cli, clean_environment, leftovers, stack, state, summary
from local_aws.clean_environment import LOOPBACK
from local_aws.deployed import (
    VARIABLES,
    application_environment,
    cluster_and_secret,
    deployed_environment,
    missing_outputs,
)
from local_aws.errors import DamagedError, LocalError
from local_aws.postgres.system import BINARIES
from local_aws.state import ACCOUNT, REGION, LocalAws

Command = Callable[[argparse.Namespace], int]


def up(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    if not arguments.no_deploy and not (arguments.app / "cdk.json").exists():
        raise LocalError(f"there is no CDK app in {arguments.app}: name its folder with --app DIR, or use --no-deploy")
    _announce()
    print("starting the control plane, the Data API and PostgreSQL on 127.0.0.1", flush=True)
    with stack.running(
        arguments.directory,
        aws_port=arguments.aws_port,
        data_api_port=arguments.data_api_port,
        resume_seconds=arguments.resume_seconds,
        embeddings=arguments.embeddings,
        app=arguments.app,
    ) as here:
        if not arguments.no_deploy:
            cdk_cli.finish_operations(here)
            print("deploying the app with the CDK CLI", flush=True)
            cdk_cli.bootstrap(here)
            cdk_cli.deploy(here)
            summary.show(here, application_environment(here))
    stack.save(here)
    for path in leftovers.unlisted(here):
        print(f"no cluster has the database in {path}, which a kill left: remove it if you do not need it")
    print(f"up in {time.monotonic() - started:.0f} s; `local-aws down` stops it, the data stays")
    return 0


def deploy(arguments: argparse.Namespace) -> int:
    here = _up(arguments)
    if any(word.partition("=")[0] == "--stage" for word in arguments.rest):
        raise LocalError("deploy has no --stage: name another stage with `local-aws deploy -- --all -c stage=prod`")
    _announce()
    with stack.locked(here.directory, "local-aws deploy", shared=True):
        cdk_cli.finish_operations(here)
        cdk_cli.deploy(here, arguments.rest)
    stack.save(here)
    return 0


def cdk(arguments: argparse.Namespace) -> int:
    if not arguments.rest:
        raise LocalError("cdk needs a command of the CDK CLI, got none: local-aws cdk diff")
    here = _up(arguments)
    if arguments.rest[0] in cdk_cli.CHANGES:
        _announce()
    with stack.locked(here.directory, "local-aws cdk", shared=True):
        cdk_cli.run(here, arguments.rest)
    return 0


def status(arguments: argparse.Namespace) -> int:
    here = state.load(arguments.directory)
    if here is None or not stack.is_up(here):
        print("nothing is up; start it with `local-aws up`")
        return 1
    print(f"control plane  {here.aws_url}\nData API       {here.data_api_url}, with Bedrock Runtime")
    for cluster in here.admin.status()["clusters"]:
        print(f"cluster        {cluster['identifier']}: {cluster['state']}")
    for one in here.client("cloudformation").describe_stacks()["Stacks"]:
        print(f"stack          {one['StackName']}: {one['StackStatus']}")
    return 0


def env(arguments: argparse.Namespace) -> int:
    if arguments.unset:
        print("\n".join(f"unset {name}" for name in dict.fromkeys((*state.EXPORTED, *_exported_here()))))
        return 0
    here = _up(arguments)
    deployed = deployed_environment(here, arguments.stage)
    if missing := missing_outputs(here, deployed, arguments.stage):
        print(f"note: {missing}", file=sys.stderr)
    exported = here.environment() | deployed | clean_environment.without_proxy()
    if clean_environment.ignores_endpoints():
        exported["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false"
    other_stages = [name for name in VARIABLES if name not in deployed]
    for name in (*clean_environment.hostile(list(exported)), *other_stages):
        print(f"unset {name}")
    for name, value in exported.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def psql(arguments: argparse.Namespace) -> int:
    here = _up(arguments)
    arn, secret_arn, database = cluster_and_secret(here, arguments.stage)
    here.admin.resume(arn)
    [cluster] = [cluster for cluster in here.admin.status()["clusters"] if cluster["arn"] == arn]
    secret = json.loads(here.client("secretsmanager").get_secret_value(SecretId=secret_arn)["SecretString"])
    address = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(cluster["port"]),
        "PGUSER": secret["username"],
        "PGPASSWORD": secret["password"],
        "PGDATABASE": arguments.database or database,
        "PGSSLMODE": "disable",
    }
    return subprocess.call([str(BINARIES / "psql"), *arguments.rest], env=clean_environment.build() | address)


def pause(arguments: argparse.Namespace) -> int:
    _up(arguments).admin.pause()
    print("paused: the next call answers DatabaseResumingException, and resumes it")
    return 0


def down(arguments: argparse.Namespace) -> int:
    try:
        here = state.load(arguments.directory)
    except DamagedError:
        here = LocalAws(directory=arguments.directory, aws_port=stack.AWS_PORT, data_api_port=stack.DATA_API_PORT)
    if here is None:
        stack.stop_strays(arguments.directory)
        print("nothing was ever up here")
        return 0
    if remark := stack.stop(here):
        print(remark)
    print(f"stopped; state and data stay in {here.directory}")
    return 0


def reset(arguments: argparse.Namespace) -> int:
    stack.stop_all(arguments.directory)
    state.remove(arguments.directory)
    print(f"stopped; removed {arguments.directory}")
    return 0


def _up(arguments: argparse.Namespace) -> LocalAws:
    here = state.load(arguments.directory)
    if here is None or not stack.is_up(here):
        raise LocalError("nothing is up: start it with `local-aws up`")
    return here


def _announce() -> None:
    """Where a command changes something, before it does."""
    print(f"local AWS: account {ACCOUNT}, region {REGION}", flush=True)


def _exported_here() -> list[str]:
    """What `env` exported besides, by the marks that it leaves in the shell."""
    shell = clean_environment.SHELL
    loopback = [name for name in ("NO_PROXY", "no_proxy") if shell.get(name) == LOOPBACK]
    return [*(name for name in shell if name.startswith("STCHAT_")), *loopback]
