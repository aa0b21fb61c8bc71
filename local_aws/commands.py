"""The commands of local-aws, one function each."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable

from local_aws import cdk_cli, stack, state, summary
from local_aws.data_api import admin_client
from local_aws.postgres.system import BINARIES
from local_aws.processes import LocalError
from local_aws.state import LocalAws

Command = Callable[[argparse.Namespace], int]


def up(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    print("starting the control plane, the Data API and PostgreSQL on 127.0.0.1", flush=True)
    with stack.running(
        arguments.directory,
        aws_port=arguments.aws_port,
        data_api_port=arguments.data_api_port,
        resume_seconds=arguments.resume_seconds,
    ) as here:
        if not arguments.no_deploy:
            print("deploying the app with the CDK CLI", flush=True)
            cdk_cli.bootstrap(here)
            cdk_cli.deploy(here)
            summary.show(here, _application_environment(here))
    print(f"up in {time.monotonic() - started:.0f} s; `local-aws down` stops it, the data stays")
    return 0


def deploy(arguments: argparse.Namespace) -> int:
    cdk_cli.deploy(_up(arguments), arguments.rest)
    return 0


def cdk(arguments: argparse.Namespace) -> int:
    if not arguments.rest:
        raise LocalError("cdk needs a command of the CDK CLI, got none: local-aws cdk diff")
    cdk_cli.run(_up(arguments), arguments.rest)
    return 0


def status(arguments: argparse.Namespace) -> int:
    here = state.load(arguments.directory)
    if here is None or not stack.is_up(here):
        print("nothing is up; start it with `local-aws up`")
        return 1
    print(f"control plane  {here.aws_url}\nData API       {here.data_api_url}, with Bedrock Runtime")
    for cluster in admin_client.status(here.data_api_url)["clusters"]:
        print(f"cluster        {cluster['identifier']}: {cluster['state']}")
    stacks = here.session().client("cloudformation", endpoint_url=here.aws_url).describe_stacks()["Stacks"]
    for one in stacks:
        print(f"stack          {one['StackName']}: {one['StackStatus']}")
    return 0


def env(arguments: argparse.Namespace) -> int:
    here = _up(arguments)
    for name, value in (here.environment() | _application_environment(here, arguments.stage)).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def psql(arguments: argparse.Namespace) -> int:
    here = _up(arguments)
    deployed = _application_environment(here, arguments.stage)
    admin_client.resume(here.data_api_url, deployed["STCHAT_CLUSTER_ARN"])
    [cluster] = [
        cluster
        for cluster in admin_client.status(here.data_api_url)["clusters"]
        if cluster["arn"] == deployed["STCHAT_CLUSTER_ARN"]
    ]
    secrets = here.session().client("secretsmanager", endpoint_url=here.aws_url)
    secret = json.loads(secrets.get_secret_value(SecretId=deployed["STCHAT_SECRET_ARN"])["SecretString"])
    address = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(cluster["port"]),
        "PGUSER": secret["username"],
        "PGPASSWORD": secret["password"],
        "PGDATABASE": arguments.database or deployed["STCHAT_DATABASE"],
    }
    return subprocess.call([str(BINARIES / "psql"), *arguments.rest], env=os.environ | address)


def pause(arguments: argparse.Namespace) -> int:
    admin_client.pause(_up(arguments).data_api_url)
    print("paused: the next call answers DatabaseResumingException, and wakes it")
    return 0


def down(arguments: argparse.Namespace) -> int:
    here = state.load(arguments.directory)
    if here is None:
        print("nothing was ever up here")
        return 0
    stack.stop(here)
    print(f"stopped; state and data stay in {here.directory}")
    return 0


def reset(arguments: argparse.Namespace) -> int:
    down(arguments)
    state.remove(arguments.directory)
    print(f"removed {arguments.directory}")
    return 0


def _up(arguments: argparse.Namespace) -> LocalAws:
    here = state.load(arguments.directory)
    if here is None or not stack.is_up(here):
        raise LocalError("nothing is up: start it with `local-aws up`")
    return here


def _application_environment(here: LocalAws, stage: str = "dev") -> dict[str, str]:
    outputs = cdk_cli.outputs(here, stage)
    names = {
        "STCHAT_CLUSTER_ARN": "ClusterArn",
        "STCHAT_SECRET_ARN": "SecretArn",
        "STCHAT_APP_SECRET_ARN": "AppSecretArn",
        "STCHAT_READ_SECRET_ARN": "ReadSecretArn",
        "STCHAT_CHAT_FUNCTION": "ChatFunctionName",
        "STCHAT_DATABASE": "DatabaseName",
    }
    if missing := [output for output in names.values() if output not in outputs]:
        command = "local-aws deploy" + ("" if stage == "dev" else f" -- --all -c stage={stage}")
        raise LocalError(f"the stacks of {stage} have no output {', '.join(missing)}: deploy them with `{command}`")
    return {name: outputs[output] for name, output in names.items()}
