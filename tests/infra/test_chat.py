"""The chat function: what it is, what it may do, who may call it, and what its settings refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack

from app import build
from constructs_lib.embedding_model import invoke_statements
from stacks.config import STAGES, dev, prod
from stchat.errors import SettingsError

DEV = dev()
PROD = prod()

Template = dict[str, Any]
Of = Callable[[str], dict[str, Template]]
STAGE_NAMES = list(STAGES)


def one(template: Template, kind: str) -> dict[str, Any]:
    [found] = [found["Properties"] for found in template["Resources"].values() if found["Type"] == kind]
    return found  # type: ignore[no-any-return]


def imported(value: Any, templates: dict[str, Template]) -> Any:
    """What the database's stack exports under the name that `value` imports."""
    exports = {
        output["Export"]["Name"]: output["Value"]
        for output in templates["Database"]["Outputs"].values()
        if "Export" in output
    }
    return exports[value["Fn::ImportValue"]]


@pytest.fixture(params=STAGE_NAMES)
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chat(templates: Of, stage: str) -> Template:
    return templates(stage)["Chat"]


def test_the_function(chat: Template) -> None:
    function = one(chat, "AWS::Lambda::Function")
    assert function["Handler"] == "stchat.handlers.chat.handler"
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert (function["MemorySize"], function["Timeout"]) == (512, 60)
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert "VpcConfig" not in function
    assert "ReservedConcurrentExecutions" not in function


def test_logs_are_kept_for_a_month(chat: Template) -> None:
    [(name, group)] = [(n, r) for n, r in chat["Resources"].items() if r["Type"] == "AWS::Logs::LogGroup"]
    assert group["Properties"]["RetentionInDays"] == 30
    assert one(chat, "AWS::Lambda::Function")["LoggingConfig"]["LogGroup"] == {"Ref": name}


def test_it_logs_in_as_the_application_and_never_as_the_master(templates: Of, chat: Template, stage: str) -> None:
    variables = one(chat, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert set(variables) == {
        "STCHAT_CLUSTER_ARN", "STCHAT_APP_SECRET_ARN", "STCHAT_DATABASE", "STCHAT_EMBEDDING_MODEL",
    }  # fmt: skip
    assert (variables["STCHAT_DATABASE"], variables["STCHAT_EMBEDDING_MODEL"]) == (
        "st_chat_db",
        "cohere.embed-multilingual-v3",
    )
    secret = imported(variables["STCHAT_APP_SECRET_ARN"], templates(stage))
    database = templates(stage)["Database"]
    attachment = database["Resources"][secret["Ref"]]["Properties"]
    name = database["Resources"][attachment["SecretId"]["Ref"]]["Properties"]["Name"]
    assert name == f"{STAGES[stage]().master_secret_name}.app"
    assert "MasterSecret" not in str(chat)


def test_its_role_may_do_exactly_this(templates: Of, chat: Template, stage: str) -> None:
    assert "ManagedPolicyArns" not in one(chat, "AWS::IAM::Role")
    [logs] = [name for name, found in chat["Resources"].items() if found["Type"] == "AWS::Logs::LogGroup"]
    variables = one(chat, "AWS::Lambda::Function")["Environment"]["Variables"]
    rds_data = ["BeginTransaction", "CommitTransaction", "ExecuteStatement", "RollbackTransaction"]
    model = "arn:aws:bedrock:ap-northeast-1::foundation-model/cohere.embed-multilingual-v3"
    assert [
        (statement["Effect"], statement["Action"], statement["Resource"])
        for statement in one(chat, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    ] == [
        ("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [logs, "Arn"]}),
        ("Allow", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
        ("Allow", [f"rds-data:{action}" for action in rds_data], variables["STCHAT_CLUSTER_ARN"]),
        ("Allow", "secretsmanager:GetSecretValue", variables["STCHAT_APP_SECRET_ARN"]),
        ("Allow", "bedrock:InvokeModel", model),
    ]
    cluster = imported(variables["STCHAT_CLUSTER_ARN"]["Fn::Join"][1][-1], templates(stage))
    assert templates(stage)["Database"]["Resources"][cluster["Ref"]]["Type"] == "AWS::RDS::DBCluster"


V4 = "foundation-model/cohere.embed-v4:0"
HERE = "arn:aws:bedrock:ap-northeast-1"
IN_EU = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")


@pytest.mark.parametrize(
    ("model", "region", "profile", "models"),
    [
        ("cohere.embed-v4:0", None, None, [f"{HERE}::{V4}"]),
        ("cohere.embed-v4:0", "us-east-1", None, [f"arn:aws:bedrock:us-east-1::{V4}"]),
        (f"arn:aws:bedrock:us-east-2::{V4}", None, None, [f"arn:aws:bedrock:us-east-2::{V4}"]),
        (
            "global.cohere.embed-v4:0",
            None,
            f"{HERE}:111122223333:inference-profile/global.cohere.embed-v4:0",
            [f"{HERE}::{V4}", f"arn:aws:bedrock:::{V4}"],
        ),
        (
            "arn:aws:bedrock:eu-west-1:444455556666:inference-profile/eu.cohere.embed-v4:0",
            None,
            "arn:aws:bedrock:eu-west-1:444455556666:inference-profile/eu.cohere.embed-v4:0",
            [f"arn:aws:bedrock:{region}::{V4}" for region in IN_EU],
        ),
    ],
    ids=range(5),
)
def test_a_role_may_invoke_a_profile_and_by_it_alone_the_models_behind_it(
    model: str, region: str | None, profile: str | None, models: list[str]
) -> None:
    app = App(context={"@aws-cdk/core:enablePartitionLiterals": True})
    stack = Stack(app, "One", env=Environment(account="111122223333", region="ap-northeast-1"))
    statements = stack.resolve([one.to_statement_json() for one in invoke_statements(stack, model, region)])
    of_models = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": models if profile else models[0]}
    if profile is None:
        assert statements == [of_models]
        return
    assert statements == [
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": profile},
        of_models | {"Condition": {"StringEquals": {"bedrock:InferenceProfileArn": profile}}},
    ]


def test_its_url_asks_for_iam_and_no_principal_is_let_in(chat: Template) -> None:
    url = one(chat, "AWS::Lambda::Url")
    assert url["AuthType"] == "AWS_IAM"
    assert "Cors" not in url
    assert not [found for found in chat["Resources"].values() if found["Type"] == "AWS::Lambda::Permission"]
    assert {name for name in chat["Outputs"] if name.startswith("Chat")} == {"ChatFunctionName", "ChatFunctionUrl"}


def test_it_comes_after_the_schema() -> None:
    app = App()
    build(app, DEV)
    stacks = {stack.display_name.split(" ")[0]: stack for stack in app.synth().stacks}
    assert stacks["Schema"].id in {needed.id for needed in stacks["Chat"].dependencies}


def test_settings_reach_the_function() -> None:
    app = App()
    build(
        app,
        replace(
            DEV,
            chat_timeout=Duration.minutes(2),
            chat_memory_mib=1024,
            chat_reserved_concurrency=5,
            memory_expires_after=Duration.days(365),
            history_expires_after=Duration.hours(48),
        ),
    )
    stacks = app.synth().stacks
    [chat] = [stack.template for stack in stacks if stack.display_name.startswith("Chat")]
    function = one(chat, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    assert (variables["STCHAT_MEMORY_DAYS"], variables["STCHAT_HISTORY_DAYS"]) == ("365", "2")
    kinds = {resource["Type"] for stack in stacks for resource in stack.template["Resources"].values()}
    scheduled = ("AWS::Events::", "AWS::Scheduler::", "AWS::Synthetics::", "AWS::SSM::Maintenance")
    assert not [kind for kind in kinds if kind.startswith(scheduled)], "what has expired resumes no cluster"
    assert (function["Timeout"], function["MemorySize"], function["ReservedConcurrentExecutions"]) == (120, 1024, 5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"embedding_model": "amazon.titan-embed-text-v2:0"},
            "embedding_model must be the id or the ARN of one of cohere.embed-multilingual-v3, cohere.embed-english-v3,"
            " cohere.embed-v4:0, us.cohere.embed-v4:0, eu.cohere.embed-v4:0, global.cohere.embed-v4:0, got"
            " amazon.titan-embed-text-v2:0: another model needs a class of its own with the methods of Embedder"
            " (stchat/chat/embeddings.py)",
        ),
        (
            {"embedding_model": "us.cohere.embed-v4:0"},
            "embedding_model must be a profile that ap-northeast-1 may call, got us.cohere.embed-v4:0: that is for"
            " us-east-1, us-east-2, us-west-2, us-west-1; take global.cohere.embed-v4:0, or set embedding_region",
        ),
        (
            {"embedding_region": "Tokyo"},
            "embedding_region must be a region like us-east-1, got Tokyo: None asks Bedrock in ap-northeast-1",
        ),
        (
            {"fargate_image": "st-chat:1", "embedding_region": "us-east-1"},
            "embedding_region must be None with fargate_image, got us-east-1: the tasks reach Bedrock of ap-northeast-1"
            " alone, by its VPC endpoint; take an inference profile that can be called from there",
        ),
        (
            {"chat_timeout": Duration.seconds(29)},
            "chat_timeout must be 30 to 900 whole seconds, got 29: it waits for a paused cluster",
        ),
        (
            {"chat_memory_mib": 64},
            "chat_memory_mib must be 128 to 10240 MiB, got 64: Lambda allows no other size",
        ),
        (
            {"chat_reserved_concurrency": 0},
            "chat_reserved_concurrency must be None or at least 1, got 0: with 0 Lambda refuses every call",
        ),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        replace(PROD, **changed)
    assert str(raised.value) == f"prod: {message}"
