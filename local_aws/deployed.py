"""What is deployed, as an application's variables: found by the outputs of the stacks, of this app or another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws import cdk_cli
from local_aws.errors import LocalError
from local_aws.state import REPOSITORY, LocalAws

# This repository's stacks say all that the chat function, the commands and the examples need.
VARIABLES = {
    "STCHAT_CLUSTER_ARN": "ClusterArn",
    "STCHAT_SECRET_ARN": "SecretArn",
    "STCHAT_APP_SECRET_ARN": "AppSecretArn",
    "STCHAT_READ_SECRET_ARN": "ReadSecretArn",
    "STCHAT_CHAT_FUNCTION": "ChatFunctionName",
    "STCHAT_DATABASE": "DatabaseName",
}


def application_environment(here: LocalAws, stage: str = "dev") -> dict[str, str]:
    """Variables for a shell. Of another app: those whose outputs it has, and the cluster where there is one alone.

    Raises:
        LocalError: this repository's stacks lack an output, since they are not deployed.
    """
    found = deployed_environment(here, stage)
    if missing := missing_outputs(here, found, stage):
        raise LocalError(missing)
    return found


def deployed_environment(here: LocalAws, stage: str = "dev") -> dict[str, str]:
    """The same, of what is deployed so far."""
    found = cdk_cli.outputs(here, f"st-chat-{stage}-" if here.app == REPOSITORY else "")
    variables = {name: found[output] for name, output in VARIABLES.items() if output in found}
    clusters = here.client("rds").describe_db_clusters()["DBClusters"]
    if here.app != REPOSITORY and len(clusters) == 1:
        [cluster] = clusters
        variables.setdefault("STCHAT_CLUSTER_ARN", cluster["DBClusterArn"])
        variables.setdefault("STCHAT_DATABASE", cluster.get("DatabaseName") or "postgres")
        if (secret := _master_secret(here, cluster)) is not None:
            variables.setdefault("STCHAT_SECRET_ARN", secret)
    return variables


def missing_outputs(here: LocalAws, found: Mapping[str, str], stage: str) -> str:
    """What this repository's stacks do not output yet, and the hint; empty where nothing is missing."""
    missing = [output for name, output in VARIABLES.items() if name not in found]
    if here.app != REPOSITORY or not missing:
        return ""
    command = "local-aws deploy" + ("" if stage == "dev" else f" -- --all -c stage={stage}")
    return f"the stacks of {stage} have no output {', '.join(missing)}: deploy them with `{command}`"


def cluster_and_secret(here: LocalAws, stage: str = "dev") -> tuple[str, str, str]:
    """The cluster's ARN, its master's secret and the database that a person means who names none."""
    found = application_environment(here, stage)
    missing = [name for name in ("STCHAT_CLUSTER_ARN", "STCHAT_SECRET_ARN") if name not in found]
    if missing:
        outputs = " and ".join(VARIABLES[name] for name in missing)
        raise LocalError(
            f"the stacks of {here.app} have no output {outputs}, and there is not exactly one cluster with a secret: "
            "add the outputs to a stack, and deploy it with `local-aws deploy`"
        )
    return found["STCHAT_CLUSTER_ARN"], found["STCHAT_SECRET_ARN"], found.get("STCHAT_DATABASE", "postgres")


def _master_secret(here: LocalAws, cluster: dict[str, Any]) -> str | None:
    """The secret that RDS made for the cluster, or that is attached to it."""
    if "MasterUserSecret" in cluster:
        return str(cluster["MasterUserSecret"]["SecretArn"])
    stacks = here.client("cloudformation")
    names = (stack["StackName"] for stack in stacks.describe_stacks()["Stacks"])
    attachments = [
        str(resource["PhysicalResourceId"])
        for name in names
        for resource in stacks.describe_stack_resources(StackName=name)["StackResources"]
        if resource["ResourceType"] == "AWS::SecretsManager::SecretTargetAttachment"
    ]
    if not attachments:
        return None
    return str(here.client("secretsmanager").describe_secret(SecretId=attachments[0])["ARN"])
