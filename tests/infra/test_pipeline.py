"""What GitHub's workflows may do on AWS: the exact trust and the exact actions."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App

from pipeline.access import build

ISSUER = "token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    app = App(context={"repository": "owner/name"})
    build(app)
    [stack] = app.synth().stacks
    found: dict[str, dict[str, Any]] = stack.template["Resources"]
    return found


def of(resources: dict[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    return {id: found["Properties"] for id, found in resources.items() if found["Type"] == kind}


def test_it_is_a_provider_and_two_roles_with_a_policy_each(resources: dict[str, dict[str, Any]]) -> None:
    assert sorted(found["Type"] for found in resources.values()) == [
        "AWS::IAM::OIDCProvider",
        "AWS::IAM::Policy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::Role",
    ]


def test_each_role_is_for_one_repository_and_one_occasion(resources: dict[str, dict[str, Any]]) -> None:
    for id, subjects in {
        "Diff": ["repo:owner/name:pull_request"],
        "Deploy": ["repo:owner/name:environment:dev", "repo:owner/name:environment:prod"],
    }.items():
        [role] = [role for name, role in of(resources, "AWS::IAM::Role").items() if name.startswith(id)]
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"] == {
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subjects}
        }


def statement(resources: dict[str, dict[str, Any]], id: str) -> dict[str, Any]:
    """The only statement of a role's only policy."""
    [policy] = [policy for name, policy in of(resources, "AWS::IAM::Policy").items() if name.startswith(id)]
    [found] = policy["PolicyDocument"]["Statement"]
    return dict(found)


def test_the_one_reads_templates_of_the_apps_stacks(resources: dict[str, dict[str, Any]]) -> None:
    found = statement(resources, "Diff")
    assert found["Action"] == ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"]
    assert found["Resource"]["Fn::Join"][1][-1] == ":stack/st-chat-*"


def test_the_other_becomes_the_bootstraps_roles_and_nothing_else(resources: dict[str, dict[str, Any]]) -> None:
    found = statement(resources, "Deploy")
    assert found["Action"] == "sts:AssumeRole"
    assert [resource["Fn::Join"][1][4] for resource in found["Resource"]] == [
        ":role/cdk-hnb659fds-deploy-role-",
        ":role/cdk-hnb659fds-file-publishing-role-",
        ":role/cdk-hnb659fds-lookup-role-",
    ]


def test_a_provider_that_the_account_knows_is_referred_to() -> None:
    app = App(context={"repository": "owner/name", "provider": "known"})
    build(app)
    found = app.synth().stacks[0].template["Resources"]
    assert not of(found, "AWS::IAM::OIDCProvider")
    for role in of(found, "AWS::IAM::Role").values():
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"]["Federated"]["Fn::Join"][1][-1] == f":oidc-provider/{ISSUER}"


@pytest.mark.parametrize("repository", [None, "name", "owner/name/", "owner/*"])
def test_a_repository_that_is_none_is_refused(repository: str | None) -> None:
    with pytest.raises(ValueError, match=r"repository must be owner/name on GitHub, got .*: -c repository=owner/name"):
        build(App(context={"repository": repository} if repository else {}))
