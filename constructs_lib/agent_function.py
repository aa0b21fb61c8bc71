"""An agent of its owner's as a Lambda function that keeps state and memories in the database of the chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import validation
from constructs_lib.acknowledgments import acknowledge, wildcard
from constructs_lib.agent_code import agent_code
from constructs_lib.chat_function import expiry, expiry_problems, function_problems
from constructs_lib.data_api_grant import grant_application
from constructs_lib.dependencies import Platform
from constructs_lib.embedding_model import embedding_model_problems, foundation_model_arn, invoke_statements
from constructs_lib.stchat_function import ARCHITECTURE, RUNTIME, StchatFunction
from stchat.environment import EMBEDDING_MODEL, ApplicationSettings, Variable
from stchat.errors import SettingsError

INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
# `<provider>.<model>`, or an inference profile of AWS's, which begins with the regions that may answer.
CHAT_MODEL = re.compile(r"(?P<regions>(?:apac|au|ca|eu|global|jp|us|us-gov)\.)?(?P<model>[a-z0-9-]+\.[a-zA-Z0-9.:-]+)")


class AgentFunction(Construct):
    """`directory` is what runs: its files, the packages of its requirements.txt, and `stchat`. `handler` is the
    function in it: `<module>.<function>`.

    Logs in with `secret`, an application role's; may use the Data API of `cluster`, one embedding model, and
    `chat_model`: Bedrock's id of a model or of an inference profile, which the code finds in STCHAT_CHAT_MODEL, empty
    without one. `environment` is added to the variables that `from_env` of stchat's classes reads. Packages are
    installed at synth, by uv, for the platform of Lambda, or for this machine where the deploy goes to a local AWS
    (docs/constructs.md). `function` is the Lambda function.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        directory: Path | str,
        cluster: rds.IDatabaseCluster,
        secret: secretsmanager.ISecret,
        handler: str = "handler.handler",
        database: str = "st_chat_db",
        embedding_model: str = EMBEDDING_MODEL,
        embedding_region: str | None = None,
        chat_model: str | None = None,
        memory_expires_after: Duration | None = None,
        environment: Mapping[str, str] | None = None,
        description: str = "An agent that keeps its state and its memories in the database of the chat",
        timeout: Duration | None = None,
        memory_mib: int = 1024,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, id)
        directory = Path(directory)
        timeout = timeout or Duration.minutes(2)
        validation.require(
            self,
            [
                *_code_problems(directory, handler),
                *validation.database_name("database", database),
                *embedding_model_problems(
                    "embedding_model", embedding_model, embedding_region or Stack.of(self).region
                ),
                *_chat_model_problems(chat_model),
                *expiry_problems("memory_expires_after", memory_expires_after),
                *function_problems("", timeout, memory_mib, reserved_concurrency),
            ],
        )
        settings = ApplicationSettings(
            cluster.cluster_arn,
            secret.secret_arn,
            database,
            embedding_model,
            embedding_region,
            memory_expires_after=expiry(memory_expires_after),
        )
        try:
            self.function = StchatFunction(
                self,
                "Agent",
                handler=handler,
                code=agent_code(directory, Platform.of(RUNTIME, ARCHITECTURE)),
                description=description,
                timeout=timeout,
                environment={
                    **(environment or {}),
                    **settings.to_environment(),
                    Variable.CHAT_MODEL.value: chat_model or "",
                },
                memory_mib=memory_mib,
                reserved_concurrency=reserved_concurrency,
                tracing=True,
            ).function
        except SettingsError as error:
            raise SettingsError(f"{self.node.path}: {error}") from None
        grant_application(self.function, cluster=cluster, secret=secret)
        for statement in invoke_statements(self, embedding_model, embedding_region):
            self.function.add_to_role_policy(statement)
        if chat_model:
            self._grant(chat_model)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` invoke the function by its name."""
        return self.function.grant_invoke(grantee)

    def _grant(self, chat_model: str) -> None:
        found = CHAT_MODEL.fullmatch(chat_model)
        stack = Stack.of(self)
        if found is None or found["regions"] is None:
            self.function.add_to_role_policy(
                iam.PolicyStatement(
                    actions=[*INVOKE], resources=[foundation_model_arn(stack, chat_model, stack.region)]
                )
            )
            return
        profile = stack.format_arn(service="bedrock", resource="inference-profile", resource_name=chat_model)
        self.function.add_to_role_policy(iam.PolicyStatement(actions=[*INVOKE], resources=[profile]))
        anywhere = iam.PolicyStatement(
            actions=[*INVOKE],
            resources=[foundation_model_arn(stack, found["model"], "*")],
            conditions={"StringEquals": {"bedrock:InferenceProfileArn": profile}},
        )
        self.function.add_to_role_policy(anywhere)
        assert self.function.role
        acknowledge(
            self.function.role,
            {
                wildcard(f"arn:<AWS::Partition>:bedrock:*::foundation-model/{found['model']}"): (
                    "one model, in the regions that its inference profile chooses, by that profile alone"
                )
            },
        )


def _code_problems(directory: Path, handler: str) -> Iterator[str]:
    if not directory.is_dir():
        yield f"directory must be a folder with the code, got {directory}: name one that exists"
        return
    module, _, function = handler.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
    if not function.isidentifier() or not (directory / file).is_file():
        yield (
            f"handler must be <module>.<function> of a file in directory, got {validation.shortened(handler)}:"
            f" {directory} has no {file}"
        )


def _chat_model_problems(chat_model: str | None) -> Iterator[str]:
    if validation.is_resolved(chat_model) and not CHAT_MODEL.fullmatch(str(chat_model)):
        yield (
            "chat_model must be Bedrock's id of a model or of an inference profile, got"
            f" {validation.shortened(str(chat_model))}: take one like apac.amazon.nova-lite-v1:0"
        )
