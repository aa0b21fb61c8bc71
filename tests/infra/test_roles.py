"""docs/generated/roles.md lists what each role may do; a role that may do more changes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from docs.roles import TABLE, write

Of = Callable[[str], dict[str, dict[str, Any]]]


def test_table_is_of_the_templates(request: pytest.FixtureRequest, templates: Of) -> None:
    now = write(templates("prod"))
    if request.config.getoption("--update-snapshots"):
        TABLE.write_text(now)
    assert now == TABLE.read_text(), "if each role needs all of it: make findings"


def test_dev_has_no_role_that_prod_has_not(templates: Of) -> None:
    rows = set(write(templates("prod")).splitlines())
    assert not [row for row in write(templates("dev")).splitlines() if row not in rows]


def test_every_star_has_its_reason_and_no_action_is_a_star() -> None:
    rows = [row.split(" | ") for row in TABLE.read_text().splitlines() if row.count(" | ") == 4]
    stars = {(role, resources) for _, role, _, _, resources in rows if "*" in resources}
    assert stars
    assert not [actions for _, _, _, actions, _ in rows if "*" in actions]
    # The CDK's provider framework, and X-Ray of the chat function; cdk-nag's IAM5, acknowledged there, stops any other.
    assert {re.sub("ServiceRole.*|Role.*", "", role) for role, _ in stars} == {
        "Chat",
        "SchemaProviderframeworkonEvent",
        "SchemaProviderframeworkisComplete",
        "SchemaProviderframeworkonTimeout",
        "SchemaProviderwaiterstatemachine",
    }


def test_no_other_principal_is_let_in_by_a_resources_own_policy(templates: Of) -> None:
    kinds = {"AWS::KMS::Key": "KeyPolicy", "AWS::SNS::TopicPolicy": "PolicyDocument"}
    found = [
        (statement["Effect"], json.dumps(statement["Principal"]), list(statement.get("Condition", {})))
        for template in templates("prod").values()
        for resource in template["Resources"].values()
        if resource["Type"] in kinds
        for statement in resource["Properties"][kinds[resource["Type"]]]["Statement"]
    ]
    account = {"AWS": {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":root"]]}}
    assert found == [
        ("Allow", json.dumps(account), []),
        ("Deny", json.dumps({"AWS": "*"}), ["Bool"]),
        ("Allow", json.dumps({"Service": "logs.ap-northeast-1.amazonaws.com"}), ["ArnEquals"]),
        ("Deny", json.dumps("*"), ["Bool"]),
        ("Allow", json.dumps({"Service": "cloudwatch.amazonaws.com"}), ["StringEquals"]),
    ]
