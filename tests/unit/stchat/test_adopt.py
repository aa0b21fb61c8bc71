"""stchat adopt: what it finds in an account, and what it prints of it in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from stchat.errors import SettingsError
from stchat.ops.adopt import Survey, steps, survey
from stchat.ops.language import language

CLUSTER = {
    "Status": "available",
    "EngineVersion": "16.6",
    "MasterUsername": "stchat",
    "DBSubnetGroup": "myknowledgebase-subnet-group",
    "HttpEndpointEnabled": True,
    "DBClusterMembers": [{"DBInstanceIdentifier": "one"}, {"DBInstanceIdentifier": "two"}],
}
TEMPLATES: list[dict[str, Any]] = [
    {
        "Resources": {
            "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": {"DBClusterIdentifier": "dbclusterstchat"}},
            "Group": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"DBSubnetGroupName": "st-chat-subnet-group"}},
            "Master": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "st.chat"}},
            "App": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "st.chat.app"}},
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/rds/cluster/dbclusterstchat"}},
            "Unnamed": {"Type": "AWS::Logs::LogGroup"},
            "Other": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": {"Ref": "Parameter"}}},
        }
    }
]


class Account:
    """Every client at once, over what an account has by name; `stacks` by name with the physical ids in each."""

    def __init__(
        self,
        *,
        clusters: Mapping[str, Mapping[str, Any]] | None = None,
        groups: tuple[str, ...] = (),
        secrets: Mapping[str, Mapping[str, Any]] | None = None,
        log_groups: tuple[str, ...] = (),
        stacks: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.clusters, self.groups, self.secrets = clusters or {}, groups, secrets or {}
        self.log_groups, self.stacks = log_groups, stacks or {}
        self._listing = ""

    def __call__(self, _: str) -> Account:
        return self

    def describe_db_clusters(self, *, DBClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        return {"DBClusters": [self._found(self.clusters, DBClusterIdentifier, "DBClusterNotFoundFault")]}

    def describe_db_subnet_groups(self, *, DBSubnetGroupName: str) -> dict[str, Any]:  # noqa: N803
        groups = {name: {"SubnetGroupStatus": "Complete"} for name in self.groups}
        return {"DBSubnetGroups": [self._found(groups, DBSubnetGroupName, "DBSubnetGroupNotFoundFault")]}

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        return dict(self._found(self.secrets, SecretId, "ResourceNotFoundException"))

    def describe_log_groups(self, *, logGroupNamePrefix: str) -> dict[str, Any]:  # noqa: N803
        return {"logGroups": [{"logGroupName": n} for n in self.log_groups if n.startswith(logGroupNamePrefix)]}

    def get_paginator(self, operation: str) -> Account:
        self._listing = operation
        return self

    def paginate(self, StackName: str = "") -> list[dict[str, Any]]:  # noqa: N803
        if self._listing == "describe_stacks":
            return [{"Stacks": [{"StackName": name} for name in self.stacks]}]
        return [{"StackResourceSummaries": [{"PhysicalResourceId": id} for id in self.stacks[StackName]]}]

    def _found(self, things: Mapping[str, Any], name: str, error: str) -> Any:
        if name not in things:
            raise ClientError({"Error": {"Code": error, "Message": "not there"}}, "Describe")
        return things[name]


def look(account: Account, cluster: str | None = None) -> Survey:
    return survey(account, "dev", TEMPLATES, cluster)


def test_an_empty_account() -> None:
    found = look(Account())
    assert (found.collisions, found.cluster, found.new_settings) == ((), None, {})
    assert steps(found, "en") == (
        "Nothing to adopt: every name that stage dev asks for is free or its own.\n"
        "If your cluster has another name, name it: stchat adopt --cluster IDENTIFIER"
    )
    assert steps(found, "ja").startswith("引き継ぐものはありません。")


def test_what_the_stage_itself_made_is_no_collision() -> None:
    ours = ("dbclusterstchat", "st-chat-subnet-group", "arn:aws:secretsmanager:r:1:secret:st.chat-AbCdEf")
    account = Account(
        clusters={"dbclusterstchat": CLUSTER},
        groups=("st-chat-subnet-group",),
        secrets={"st.chat": {}},
        stacks={"st-chat-dev-database": ours, "another": ("x",)},
    )
    assert look(account).collisions == ()


def test_everything_collides() -> None:
    account = Account(
        clusters={"dbclusterstchat": CLUSTER},
        groups=("st-chat-subnet-group",),
        secrets={"st.chat": {"DeletedDate": datetime(2026, 12, 1, tzinfo=UTC)}},
        log_groups=("/aws/rds/cluster/dbclusterstchat", "/aws/rds/cluster/dbclusterstchat2"),
    )
    found = look(account)
    assert [(one.name.name, one.state) for one in found.collisions] == [
        ("dbclusterstchat", "available"),
        ("st-chat-subnet-group", "Complete"),
        ("st.chat", "deleted, but kept until 2026-12-01"),
        ("/aws/rds/cluster/dbclusterstchat", "in use"),
    ]
    assert found.new_settings == {
        "cluster_identifier": "dbclusterstchat-managed",
        "subnet_group_name": "st-chat-subnet-group-managed",
        "master_secret_name": "st.chat.managed",
        "snapshot_identifier": "st-chat-adopt",
    }
    for language_ in ("en", "ja"):
        text = steps(found, language_)
        assert "Aurora PostgreSQL 16.6" in text
        assert "delete-db-instance --db-instance-identifier two" in text
        assert '         master_secret_name="st.chat.managed",\n' in text
        assert "{" not in text


def test_a_secret_alone_collides() -> None:
    text = steps(look(Account(secrets={"st.chat": {}})), "en")
    assert text.endswith(
        "Give the stage free names in stacks/config.py:\n"
        "     def dev() -> Settings:\n         return Settings(\n"
        '             stage="dev",\n             master_secret_name="st.chat.managed",\n         )'
    )


def test_a_derived_name_alone_collides() -> None:
    found = look(Account(secrets={"st.chat.app": {}}, log_groups=("/aws/rds/cluster/dbclusterstchat",)))
    assert found.new_settings == {
        "cluster_identifier": "dbclusterstchat-managed",
        "master_secret_name": "st.chat.managed",
    }


def test_a_cluster_of_another_name() -> None:
    found = look(Account(clusters={"mine": CLUSTER}), "mine")
    assert found.new_settings == {"snapshot_identifier": "st-chat-adopt"}
    assert steps(found, "en").startswith("No name that stage dev asks for is taken.\n\nThe hand-made cluster mine:")


def test_no_such_cluster_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"the account cannot be read: .*DBClusterNotFoundFault"):
        look(Account(), "typo")

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(Account, "get_paginator", refuse)
    with pytest.raises(SettingsError, match="the account cannot be read: Unable to locate credentials: log in"):
        look(Account())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C", "STCHAT_LANG": "ja"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "STCHAT_LANG": "en"}, "en"),
    ],
)
def test_language(environment: dict[str, str], expected: str) -> None:
    assert language(environment) == expected
