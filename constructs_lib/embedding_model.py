"""A setting that names an embedding model: checked at synth, and what a role needs to invoke it."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from constructs_lib import validation
from stchat.embedding_models import destinations, parse
from stchat.errors import SettingsError

INVOKE = "bedrock:InvokeModel"


def embedding_model_problems(field: str, model: str, region: str | None = None) -> Iterator[str]:
    """`region`: where it is asked, unless `model` is an ARN."""
    if not validation.is_resolved(model):
        return
    try:
        found = parse(model, field)
        asked = found.region or region
        if validation.is_resolved(asked):
            destinations(found, str(asked), field)
    except SettingsError as error:
        yield str(error)


def invoke_statements(scope: IConstruct, model: str, region: str | None = None) -> list[iam.PolicyStatement]:
    """The model in one region; or an inference profile, and the model in each region that it may be answered in, by
    that profile alone. `region` None: the stack's."""
    stack, found = Stack.of(scope), parse(model)
    asked = found.region or region or stack.region
    if found.profile is None:
        return [iam.PolicyStatement(actions=[INVOKE], resources=[foundation_model_arn(stack, found.model.name, asked)])]
    profile = stack.format_arn(
        service="bedrock",
        region=asked,
        account=found.account,
        resource="inference-profile",
        resource_name=found.profile_id,
    )
    models = [foundation_model_arn(stack, found.model.name, each) for each in destinations(found, asked)]
    return [
        iam.PolicyStatement(actions=[INVOKE], resources=[profile]),
        iam.PolicyStatement(
            actions=[INVOKE],
            resources=models,
            conditions={"StringEquals": {"bedrock:InferenceProfileArn": profile}},
        ),
    ]


def foundation_model_arn(stack: Stack, name: str, region: str) -> str:
    return stack.format_arn(
        service="bedrock",
        region=region,
        account="",
        resource="foundation-model",
        resource_name=name,
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
