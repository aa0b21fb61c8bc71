"""What GitHub's workflows may do in an account: one stack, deployed once by a person, never by a workflow.

cdk deploy --app "python3 -m pipeline.access" -c repository=<owner>/<name> [-c provider=existing]

`provider=existing`: the account has GitHub as an identity provider already, and takes it once only.
"""

from __future__ import annotations

import re
import sys

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.acknowledgments import acknowledge, wildcard
from constructs_lib.policy_checks import add_policy_checks
from stacks.config import STAGES

ISSUER = "token.actions.githubusercontent.com"
# The roles of `cdk bootstrap` that a deploy becomes: to upload file assets, and to look up what there is.
BOOTSTRAP_ROLES = ("file-publishing", "lookup")
# What the CDK CLI asks of CloudFormation to deploy a stack, and to say how it went.
STACK_ACTIONS = (
    "CreateChangeSet",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStacks",
    "ExecuteChangeSet",
    "GetTemplate",
    "UpdateTerminationProtection",
)
# A deploy may wait an hour for a migration, and a little longer for the rest.
DEPLOY_TIME = Duration.hours(2)


class AccessStack(Stack):
    """GitHub as an identity provider, and its roles: one compares templates, one for each stage deploys that stage."""

    def __init__(self, scope: Construct, id: str, *, repository: str, provider_exists: bool) -> None:
        super().__init__(scope, id, stack_name="st-chat-pipeline", description="What GitHub's workflows may do here")
        if provider_exists:
            provider = self.format_arn(service="iam", region="", resource="oidc-provider", resource_name=ISSUER)
        else:
            new = iam.OidcProviderNative(self, "GitHub", url=f"https://{ISSUER}", client_ids=["sts.amazonaws.com"])
            provider = new.oidc_provider_arn

        def role(id: str, *subjects: str) -> iam.Role:
            conditions = {
                "StringEquals": {
                    f"{ISSUER}:aud": "sts.amazonaws.com",
                    f"{ISSUER}:sub": [f"repo:{repository}:{subject}" for subject in subjects],
                }
            }
            principal = iam.WebIdentityPrincipal(provider, conditions)
            made = iam.Role(self, id, assumed_by=principal, max_session_duration=DEPLOY_TIME)
            CfnOutput(self, f"{id}RoleArn", value=made.role_arn)
            return made

        diff = role("Diff", "pull_request")
        stacks = self.format_arn(service="cloudformation", resource="stack", resource_name="st-chat-*")
        diff.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudformation:DescribeStacks", "cloudformation:GetTemplate"], resources=[stacks]
            )
        )
        every = "arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/st-chat-*"
        acknowledge(diff, {wildcard(every): "the stacks of this app alone: CloudFormation adds an id to their names"})

        for stage in STAGES:
            deploy = role(f"Deploy{stage.capitalize()}", f"environment:{stage}")
            for statement in self._deployment(f"st-chat-{stage}-*"):
                deploy.add_to_policy(statement)
            acknowledge(
                deploy,
                {
                    wildcard(every.replace("st-chat-*", f"st-chat-{stage}-*")): "the stacks of this stage alone",
                    wildcard(self._shown_assets()): "the objects of the bootstrap's bucket",
                },
            )

    def _deployment(self, stacks: str) -> list[iam.PolicyStatement]:
        """What `cdk deploy` needs for `stacks` alone, with the role's own rights.

        The bootstrap's deploy role may change every stack, so this role may not become it: the CDK CLI then says so,
        and goes on as this one.
        """
        qualifier = self.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER

        def bootstrap_role(name: str) -> str:
            name = f"cdk-{qualifier}-{name}-role-{self.account}-{self.region}"
            return self.format_arn(service="iam", region="", resource="role", resource_name=name)

        bucket = f"arn:{self.partition}:s3:::cdk-{qualifier}-assets-{self.account}-{self.region}"
        version = self.format_arn(
            service="ssm", resource="parameter", resource_name=f"cdk-bootstrap/{qualifier}/version"
        )
        named = self.format_arn(service="cloudformation", resource="stack", resource_name=stacks)
        allowed = (
            ([f"cloudformation:{action}" for action in STACK_ACTIONS], [named], None),
            (["iam:PassRole"], [bootstrap_role("cfn-exec")], "cloudformation.amazonaws.com"),
            (["sts:AssumeRole"], [bootstrap_role(name) for name in BOOTSTRAP_ROLES], None),
            (["s3:GetObject", "s3:GetBucketLocation"], [bucket, f"{bucket}/*"], None),
            (["ssm:GetParameter"], [version], None),
        )
        return [
            iam.PolicyStatement(
                actions=actions,
                resources=resources,
                conditions={"StringEquals": {"iam:PassedToService": service}} if service else None,
            )
            for actions, resources, service in allowed
        ]

    def _shown_assets(self) -> str:
        """The bucket's objects, as cdk-nag writes them."""
        qualifier = self.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
        return f"arn:<AWS::Partition>:s3:::cdk-{qualifier}-assets-<AWS::AccountId>-<AWS::Region>/*"


def build(app: App) -> None:
    """The stack in `app`, for the repository of its context.

    Raises:
        ValueError: it is missing, or no repository's name.
    """
    repository = app.node.try_get_context("repository")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository or ""):
        raise ValueError(f"repository must be owner/name on GitHub, got {repository}: -c repository=owner/name")
    existing = app.node.try_get_context("provider") == "existing"
    AccessStack(app, "Pipeline", repository=repository, provider_exists=existing)
    add_policy_checks(app)


if __name__ == "__main__":
    app = App()
    try:
        build(app)
    except ValueError as error:
        sys.exit(str(error))
    app.synth()
