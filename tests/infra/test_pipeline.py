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


def test_it_is_a_provider_and_three_roles_with_a_policy_each(resources: dict[str, dict[str, Any]]) -> None:
    assert sorted(found["Type"] for found in resources.values()) == [
        "AWS::IAM::OIDCProvider",
        *["AWS::IAM::Policy"] * 3,
        *["AWS::IAM::Role"] * 3,
    ]


def test_each_role_is_for_one_repository_and_one_occasion(resources: dict[str, dict[str, Any]]) -> None:
    for id, subjects in {
        "Diff": ["repo:owner/name:pull_request"],
        "DeployDev": ["repo:owner/name:environment:dev"],
        "DeployProd": ["repo:owner/name:environment:prod"],
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


@pytest.mark.parametrize(("id", "stage", "other"), [("DeployDev", "dev", "prod"), ("DeployProd", "prod", "dev")])
def test_a_stages_role_deploys_that_stage_alone(
    resources: dict[str, dict[str, Any]], id: str, stage: str, other: str
) -> None:
    [policy] = [found for name, found in of(resources, "AWS::IAM::Policy").items() if name.startswith(id)]
    by_action = {
        str(action): statement
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert by_action["cloudformation:ExecuteChangeSet"]["Resource"]["Fn::Join"][1][-1] == f":stack/st-chat-{stage}-*"
    assert f"st-chat-{other}" not in str(policy)
    assert by_action["iam:PassRole"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }
    assert not [action for action in by_action if "*" in action]


@pytest.mark.parametrize("qualifier", ["hnb659fds", "custom42"])
def test_the_bootstraps_deploy_role_which_changes_every_stack_is_not_assumed(qualifier: str) -> None:
    app = App(context={"repository": "owner/name", "@aws-cdk/core:bootstrapQualifier": qualifier})
    build(app)
    policies = str(of(app.synth().stacks[0].template["Resources"], "AWS::IAM::Policy"))
    assert f"cdk-{qualifier}-file-publishing-role-" in policies
    assert f"cdk-{qualifier}-lookup-role-" in policies
    assert "deploy-role" not in policies


def test_a_provider_that_the_account_knows_is_referred_to() -> None:
    app = App(context={"repository": "owner/name", "provider": "existing"})
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
