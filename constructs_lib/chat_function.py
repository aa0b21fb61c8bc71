"""The chat's operations as one Lambda function: by invocation, and over a URL that asks for IAM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import validation
from constructs_lib.data_api_grant import grant_application
from constructs_lib.embedding_model import embedding_model_problems, invoke_statements
from constructs_lib.stchat_function import StchatFunction
from stchat.environment import EMBEDDING_MODEL, MOST_DAYS, ApplicationSettings


class ChatFunction(Construct):
    """Logs in with `secret`, an application role's; may use the Data API of `cluster` and one embedding model.

    `database` has the chat's tables (CHAT_SQL). `embedding_model`: Bedrock's id, an inference profile, or the ARN of
    either, asked in `embedding_region` (None: the stack's); memories that another model embedded are moved to it first
    (docs/embeddings.md). Memories and turns whose caller does not say when they expire do so that many days after they
    are stored, or never. `function` is the Lambda function, `url` its address.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: rds.IDatabaseCluster,
        secret: secretsmanager.ISecret,
        database: str = "st_chat_db",
        embedding_model: str = EMBEDDING_MODEL,
        embedding_region: str | None = None,
        memory_expires_after: Duration | None = None,
        history_expires_after: Duration | None = None,
        timeout: Duration | None = None,
        memory_mib: int = 512,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, id)
        timeout = timeout or Duration.seconds(60)
        validation.require(
            self,
            [
                *validation.database_name("database", database),
                *embedding_model_problems(
                    "embedding_model", embedding_model, embedding_region or Stack.of(self).region
                ),
                *expiry_problems("memory_expires_after", memory_expires_after),
                *expiry_problems("history_expires_after", history_expires_after),
                *function_problems("", timeout, memory_mib, reserved_concurrency),
            ],
        )
        self.function = StchatFunction(
            self,
            "Chat",
            handler="chat.handler",
            description="Chat history and chat memory: add, turns, themes, delete, remember, recall, forget",
            timeout=timeout,
            environment=ApplicationSettings(
                cluster.cluster_arn,
                secret.secret_arn,
                database,
                embedding_model,
                embedding_region,
                memory_expires_after=expiry(memory_expires_after),
                history_expires_after=expiry(history_expires_after),
            ).to_environment(),
            memory_mib=memory_mib,
            reserved_concurrency=reserved_concurrency,
            tracing=True,
        ).function
        grant_application(self.function, cluster=cluster, secret=secret)
        for statement in invoke_statements(self, embedding_model, embedding_region):
            self.function.add_to_role_policy(statement)
        self._url = self.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
        self.url = self._url.url

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` invoke the function by its name."""
        return self.function.grant_invoke(grantee)

    def grant_invoke_url(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` call the function's URL, and invoke it in no other way."""
        return self._url.grant_invoke_url(grantee)


def expiry(after: Duration | None) -> timedelta | None:
    return None if after is None else timedelta(days=after.to_days(integral=False))


def expiry_problems(field: str, after: Duration | None) -> Iterator[str]:
    """What is wrong with how long something is kept."""
    if after is None:
        return
    days = after.to_days(integral=False)
    if not 1 <= days <= MOST_DAYS or days % 1:
        yield f"{field} must be None or 1 to {MOST_DAYS:,} whole days, got {days:g}: take Duration.days(90)"


def function_problems(
    prefix: str, timeout: Duration, memory_mib: int, reserved_concurrency: int | None
) -> Iterator[str]:
    """`prefix`: what the fields' names begin with."""
    seconds = timeout.to_seconds(integral=False)
    if not 30 <= seconds <= 900 or seconds % 1:
        yield f"{prefix}timeout must be 30 to 900 whole seconds, got {seconds:g}: it waits for a paused cluster"
    if not 128 <= memory_mib <= 10_240:
        yield f"{prefix}memory_mib must be 128 to 10240 MiB, got {memory_mib}: Lambda allows no other size"
    if reserved_concurrency is not None and reserved_concurrency < 1:
        yield (
            f"{prefix}reserved_concurrency must be None or at least 1, got {reserved_concurrency}:"
            " with 0 Lambda refuses every call"
        )
