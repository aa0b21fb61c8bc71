"""A Lambda function that runs a handler of the `stchat` package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.policy_checks import acknowledge, wildcard

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"

# The package: stchat/ and sql/ as they lie in the repository, less what runs at synth and in a shell alone.
PACKAGE = (
    "/*",
    "!/stchat",
    "!/sql",
    "/stchat/ops",
    "/stchat/__main__.py",
    "/stchat/sql_lint",
    "__pycache__",
)


class StchatFunction(Construct):
    """Outside any VPC, on arm64, with JSON logs kept for a month and a role that may write those logs alone (and, with
    `tracing`, what X-Ray is sent).

    `function` is the Lambda function; grants add what its handler uses.
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
    ) -> None:
        super().__init__(scope, id)
        log_group = logs.LogGroup(self, "Logs", retention=logs.RetentionDays.ONE_MONTH)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description)
        log_group.grant_write(role)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(ROOT), exclude=list(PACKAGE), ignore_mode=IgnoreMode.GIT),
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
        if tracing:
            acknowledge(role, {wildcard("*"): "X-Ray's two actions have no resource to name"})
