"""What GitHub's workflows may do in an account: one stack, deployed once by a person, never by a workflow.

cdk deploy --app "python3 -m pipeline.access" -c repository=<owner>/<name> [-c provider=known]

`provider=known`: the account has GitHub as an identity provider already, and takes it once only.
"""

from __future__ import annotations

import re
import sys

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.acknowledgments import acknowledge, wildcard
from constructs_lib.policy_checks import add_policy_checks
from stacks.config import STAGES

ISSUER = "token.actions.githubusercontent.com"
# The roles of `cdk bootstrap` that a deploy of stacks and file assets goes through.
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")
QUALIFIER = "hnb659fds"
# A deploy may wait an hour for a migration, and a little longer for the rest.
DEPLOY_TIME = Duration.hours(2)


class AccessStack(Stack):
    """GitHub as an identity provider, and two roles: one compares templates, the other goes through the bootstrap's."""

    def __init__(self, scope: Construct, id: str, *, repository: str, provider_is_known: bool) -> None:
        super().__init__(scope, id, stack_name="st-chat-pipeline", description="What GitHub's workflows may do here")
        if provider_is_known:
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

        deploy = role("Deploy", *(f"environment:{stage}" for stage in STAGES))
        deploy.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    self.format_arn(
                        service="iam",
                        region="",
                        resource="role",
                        resource_name=f"cdk-{QUALIFIER}-{name}-role-{self.account}-{self.region}",
                    )
                    for name in BOOTSTRAP_ROLES
                ],
            )
        )


def build(app: App) -> None:
    """The stack in `app`, for the repository of its context.

    Raises:
        ValueError: it is missing, or no repository's name.
    """
    repository = app.node.try_get_context("repository")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository or ""):
        raise ValueError(f"repository must be owner/name on GitHub, got {repository}: -c repository=owner/name")
    known = app.node.try_get_context("provider") == "known"
    AccessStack(app, "Pipeline", repository=repository, provider_is_known=known)
    add_policy_checks(app)


if __name__ == "__main__":
    app = App()
    try:
        build(app)
    except ValueError as error:
        sys.exit(str(error))
    app.synth()
