"""The agent's function: its package, what it may do, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, Validations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from constructs_lib import AgentFunction, agent_code, dependencies
from constructs_lib.dependencies import Platform
from constructs_lib.stchat_function import ARCHITECTURE, RUNTIME
from stchat.errors import SettingsError

TOKYO = Environment(account="111111111111", region="ap-northeast-1")
SECRET = "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:st.chat.app-abcdef"
LAMBDA = Platform("aarch64-manylinux_2_34", "3.13")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "handler.py").write_text("def handler(event, context): return event\n")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return tmp_path / "cache" / "stchat" / "dependencies"


def build(directory: Path, **settings: Any) -> tuple[App, Stack]:
    app = App()
    stack = Stack(app, "Stack", env=TOKYO)
    AgentFunction(
        stack,
        "Agent",
        directory=directory,
        cluster=rds.DatabaseCluster.from_database_cluster_attributes(stack, "Cluster", cluster_identifier="chat"),
        secret=secretsmanager.Secret.from_secret_complete_arn(stack, "Secret", SECRET),
        **settings,
    )
    return app, stack


def properties(template: Template, kind: str) -> Mapping[str, Any]:
    [found] = template.find_resources(kind).values()
    return found["Properties"]  # type: ignore[no-any-return]


def test_the_function_logs_in_as_the_application_and_may_do_exactly_this(code: Path) -> None:
    app, stack = build(code, chat_model="apac.amazon.nova-lite-v1:0", environment={"STAGE": "dev"})
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()  # no finding
    template = Template.from_stack(stack)
    function = properties(template, "AWS::Lambda::Function")
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert (function["Handler"], function["MemorySize"], function["Timeout"]) == ("handler.handler", 1024, 120)
    variables = function["Environment"]["Variables"]
    assert (variables["STCHAT_CHAT_MODEL"], variables["STAGE"]) == ("apac.amazon.nova-lite-v1:0", "dev")
    assert (variables["STCHAT_APP_SECRET_ARN"], variables["STCHAT_DATABASE"]) == (SECRET, "st_chat_db")
    statements = properties(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    both = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    calls = ["ExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction"]
    assert [(one["Action"], arn(one["Resource"])) for one in statements[2:]] == [
        ([f"rds-data:{call}" for call in calls], "arn:aws:rds:ap-northeast-1:111111111111:cluster:chat"),
        ("secretsmanager:GetSecretValue", SECRET),
        ("bedrock:InvokeModel", "arn:aws:bedrock:ap-northeast-1::foundation-model/cohere.embed-multilingual-v3"),
        (both, "arn:aws:bedrock:ap-northeast-1:111111111111:inference-profile/apac.amazon.nova-lite-v1:0"),
        (both, "arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0"),
    ]
    [only] = statements[-1]["Condition"]["StringEquals"].values()
    assert arn(only) == arn(statements[-2]["Resource"])


def test_a_model_of_the_region_and_no_model(code: Path) -> None:
    statements = [
        properties(Template.from_stack(build(code, chat_model=model)[1]), "AWS::IAM::Policy")["PolicyDocument"][
            "Statement"
        ]
        for model in ("amazon.nova-lite-v1:0", None)
    ]
    with_model, without = ([arn(one["Resource"]) for one in each] for each in statements)
    assert with_model == [*without, "arn:aws:bedrock:ap-northeast-1::foundation-model/amazon.nova-lite-v1:0"]
    template = Template.from_stack(build(code)[1])
    variables = properties(template, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["STCHAT_CHAT_MODEL"] == ""


def arn(resource: Any) -> str:
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        return str(resource)
    return "".join(part if isinstance(part, str) else "aws" for part in resource["Fn::Join"][1])


def test_packages_are_those_of_lambdas_platform_and_installed_once(code: Path, cache: Path) -> None:
    (code / "requirements.txt").write_text("xxhash==4.1.0\n")
    app, _ = build(code)
    [asset] = Path(app.synth().directory).glob("asset.*")
    assert {path.name for path in asset.iterdir()} >= {"handler.py", "stchat", "xxhash"}
    assert {path.name for path in asset.glob("stchat/*")} >= {"chat", "langgraph", "strands", "state", "aio.py"}
    assert not [*asset.glob("stchat/ops"), *asset.glob("stchat/handlers")]
    [compiled] = asset.glob("xxhash/*.so")
    assert compiled.name == "_xxhash.cpython-313-aarch64-linux-gnu.so"
    [installed] = cache.iterdir()
    (installed / "here.py").touch()
    assert dependencies.install(code / "requirements.txt", LAMBDA) == installed


def test_the_hash_is_that_of_the_code_and_of_the_pins(code: Path, tmp_path: Path) -> None:
    def name(folder: Path) -> str:
        app, _ = build(folder)
        [asset] = Path(app.synth().directory).glob("asset.*")
        return asset.name

    (code / "requirements.txt").write_text("# nothing\n")
    first = name(code)
    copied = tmp_path / "other.place"
    code.rename(copied)
    (copied / "__pycache__").mkdir()
    (copied / "__pycache__" / "handler.cpython-313.pyc").touch()
    assert name(copied) == first
    (copied / "requirements.txt").write_text("# other\n")
    assert name(copied) != first


def test_on_a_local_aws_they_are_this_machines() -> None:
    local = Platform.of(RUNTIME, ARCHITECTURE, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    assert (local.python, local.options) == (sys.executable, [])
    for environment in ({}, {"AWS_ENDPOINT_URL": "https://vpce-1.example.com"}):
        assert Platform.of(RUNTIME, ARCHITECTURE, environment) == LAMBDA
    intel = Platform.of(RUNTIME, lambda_.Architecture.X86_64, {})
    assert intel.options == ["--python-platform", "x86_64-manylinux_2_34", "--python-version", "3.13"]


def test_what_cannot_be_installed_is_refused_with_uvs_reason(code: Path, cache: Path) -> None:
    (code / "requirements.txt").write_text("xxhash==0.0.0.1\n")
    with pytest.raises(SettingsError) as raised:
        build(code)
    first, *rest = str(raised.value).splitlines()
    assert first == (
        "Stack/Agent: requirements.txt must name packages that have wheels for aarch64-manylinux_2_34 and Python 3.13,"
        " uv ended with 1:"
    )
    assert "xxhash==0.0.0.1" in " ".join(rest)
    assert [*cache.iterdir()] == []


def test_without_uv(monkeypatch: pytest.MonkeyPatch, code: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    (code / "requirements.txt").write_text("xxhash==4.1.0\n")
    with pytest.raises(SettingsError) as raised:
        dependencies.install(code / "requirements.txt", LAMBDA)
    assert str(raised.value) == ("requirements.txt needs uv to be installed, which is not on the PATH: pip install uv")


def test_what_is_too_large_is_refused(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (code / "weights.bin").open("wb") as file:
        file.truncate(3 << 20)
    monkeypatch.setattr(agent_code, "MOST_BYTES", 2 << 20)
    with pytest.raises(SettingsError) as raised:
        build(code)
    assert str(raised.value).startswith(
        "Stack/Agent: directory must have 2 MiB at most with what requirements.txt installs, got 3 MiB:"
        " Lambda takes no more; the largest are weights.bin (3 MiB), stchat ("
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"directory": Path("/nowhere")},
            "directory must be a folder with the code, got /nowhere: name one that exists",
        ),
        (
            {"handler": "other.handler"},
            "handler must be <module>.<function> of a file in directory, got other.handler: {code} has no other.py",
        ),
        (
            {"handler": "handler"},
            "handler must be <module>.<function> of a file in directory, got handler: {code} has no .py",
        ),
        (
            {"chat_model": "nova lite"},
            "chat_model must be Bedrock's id of a model or of an inference profile, got nova lite:"
            " take one like apac.amazon.nova-lite-v1:0",
        ),
        ({"memory_mib": 64}, "memory_mib must be 128 to 10240 MiB, got 64: Lambda allows no other size"),
    ],
)
def test_what_is_wrong_is_refused(code: Path, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        build(**{"directory": code, **settings})
    assert str(raised.value) == f"Stack/Agent: {problem.format(code=code)}"
