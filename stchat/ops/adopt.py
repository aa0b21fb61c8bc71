"""What was made by hand, beside what a stage would make: the steps from one to the other. Reads the account alone.

A snapshot into a new cluster, and not CloudFormation's resource import, is the way: docs/decisions/0603.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api import describe_error
from stchat.errors import SettingsError
from stchat.ops.adopt_texts import TEXTS
from stchat.ops.language import Language
from stchat.ops.physical_names import Client, PhysicalName, is_among, made_by, physical_names, state
from stchat.ops.templates import Template

# What it calls, as IAM names it.
ACTIONS = (
    "cloudformation:DescribeStacks",
    "cloudformation:ListStackResources",
    "logs:DescribeLogGroups",
    "rds:DescribeDBClusters",
    "rds:DescribeDBSubnetGroups",
    "secretsmanager:DescribeSecret",
)
SNAPSHOT = "st-chat-adopt"


@dataclass(frozen=True)
class Collision:
    """A name that the stage asks for and that something has which its stacks did not make."""

    name: PhysicalName
    state: str


@dataclass(frozen=True)
class HandMade:
    """The cluster whose rows are to come along."""

    identifier: str
    engine_version: str
    master_username: str
    subnet_group: str
    data_api: bool
    instances: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """What was found. `cluster` is None where there is nothing to adopt; `stage` names its settings."""

    stage: str
    names: tuple[PhysicalName, ...]
    collisions: tuple[Collision, ...]
    cluster: HandMade | None

    @property
    def new_settings(self) -> dict[str, str]:
        """The fields of stacks/config.py that need another value, and a free one in the pattern of the settings."""
        taken = {one.name.setting for one in self.collisions}
        # The names of one setting are derived from the shortest: st.chat.app from st.chat.
        base = {one.setting: one.name for one in sorted(self.names, key=lambda one: -len(one.name))}
        values = {
            setting: f"{base[setting]}{suffix}"
            for setting, suffix in (
                ("cluster_identifier", "-managed"),
                ("subnet_group_name", "-managed"),
                ("master_secret_name", ".managed"),
            )
            if setting in taken
        }
        return values | ({"snapshot_identifier": SNAPSHOT} if self.cluster else {})


def survey(client: Client, stage: str, templates: Sequence[Template], cluster: str | None = None) -> Survey:
    """`cluster`: the hand-made one; None: the one that has the name of the stage's, if no stack of the stage made it.

    Raises:
        SettingsError: no such cluster, or the account may not be read; the text names the call.
    """
    try:
        ours = made_by(client, f"st-chat-{stage}-")
        names = tuple(physical_names(templates))
        collisions = tuple(
            Collision(name, found)
            for name in names
            if not is_among(name.name, ours) and (found := state(client, name)) is not None
        )
        named = cluster or next((c.name.name for c in collisions if c.name.type == "AWS::RDS::DBCluster"), None)
        return Survey(stage, names, collisions, _hand_made(client, named) if named else None)
    except (ClientError, BotoCoreError) as error:
        raise SettingsError(f"the account cannot be read: {describe_error(error)}") from error


def _hand_made(client: Client, identifier: str) -> HandMade:
    [found] = client("rds").describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
    return HandMade(
        identifier=identifier,
        engine_version=found["EngineVersion"],
        master_username=found["MasterUsername"],
        subnet_group=found.get("DBSubnetGroup", ""),
        data_api=found.get("HttpEndpointEnabled", False),
        instances=tuple(member["DBInstanceIdentifier"] for member in found.get("DBClusterMembers", [])),
    )


def steps(found: Survey, language: Language) -> str:
    """The steps for a person, numbered, with their commands."""
    text = TEXTS[language]
    if not found.collisions and found.cluster is None:
        return text["nothing"].format(stage=found.stage)
    parts = [text["collisions"] if found.collisions else text["no_collisions"].format(stage=found.stage)]
    parts += [f"  {one.name.type:<28} {one.name.name} ({one.state})" for one in found.collisions]
    if found.cluster is None:
        return "\n".join([*parts, "", text["rename"], _settings(found)])
    values: dict[str, Any] = vars(found.cluster) | {
        "stage": found.stage,
        "snapshot": SNAPSHOT,
        "settings": _settings(found),
        "instance_deletions": "\n".join(
            f"     aws rds delete-db-instance --db-instance-identifier {name}" for name in found.cluster.instances
        ),
    }
    return "\n".join([*parts, "", text["steps"].format(**values)])


def _settings(found: Survey) -> str:
    fields = "".join(f"\n             {name}={value!r}," for name, value in found.new_settings.items()).replace(
        "'", '"'
    )
    return (
        f"     def {found.stage}() -> Settings:\n"
        f'         return Settings(\n             stage="{found.stage}",{fields}\n         )'
    )
