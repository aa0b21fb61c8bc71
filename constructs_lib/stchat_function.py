"""A Lambda function that runs a handler of the `stchat` package."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.acknowledgments import acknowledge, wildcard
from constructs_lib.lambda_code import code_of

# The newest Python that the tests run on: docs/decisions/0616.
RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class StchatFunction(Construct):
    """Outside any VPC, on arm64, with JSON logs kept for a month and a role that may write those logs alone (and, with
    `tracing`, what X-Ray is sent).

    `function` is the Lambda function; grants add what its handler uses. `handler`: `<module>.<function>` of
    stchat.handlers; its package has what that module imports, and `sql` (files by name) beside it. Of other `code`, it
    is `<module>.<function>` there.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        handler: str,
        description: str,
        timeout: Duration,
        environment: Mapping[str, str],
        memory_mib: int = 256,
        reserved_concurrency: int | None = None,
        tracing: bool = False,
        sql: Mapping[str, Path] | None = None,
        code: AbstractContextManager[lambda_.AssetCode] | None = None,
    ) -> None:
        super().__init__(scope, id)
        log_group = logs.LogGroup(self, "Logs", retention=logs.RetentionDays.ONE_MONTH)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description)
        log_group.grant_write(role)
        if code is None:
            code, handler = code_of(handler.partition(".")[0], sql=sql), f"stchat.handlers.{handler}"
        with code as asset:
            self.function = lambda_.Function(
                self,
                "Function",
                runtime=RUNTIME,
                architecture=ARCHITECTURE,
                code=asset,
                handler=handler,
                description=description,
                timeout=timeout,
                memory_size=memory_mib,
                reserved_concurrent_executions=reserved_concurrency,
                tracing=lambda_.Tracing.ACTIVE if tracing else lambda_.Tracing.DISABLED,
                environment=dict(environment),
                role=role,
                log_group=log_group,
                logging_format=lambda_.LoggingFormat.JSON,
            )
        older = "the newest Python that the tests run on: docs/decisions/0616"
        acknowledge(
            self.function,
            {"AwsSolutions::AwsSolutions-L1": older, "Serverless::Serverless-LambdaLatestVersion": older},
        )
        if tracing:
            acknowledge(role, {wildcard("*"): "X-Ray's two actions have no resource to name"})
