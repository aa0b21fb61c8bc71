"""The schema of a cluster's databases: a custom resource that runs sql/ over the Data API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Annotations, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import custom_resources as cr
from constructs import Construct

from constructs_lib.policy_checks import MANAGED_LOGGING_POLICY, acknowledge, wildcard, wildcard_below
from constructs_lib.stchat_function import StchatFunction
from stchat.sql_lint.parse import load


class DataApiSchema(Construct):
    """Brings every database to the migrations in `directory`, and gives each of `roles` its secret's password.

    `global_hnsw_index`: by database, whether the index for searches over all memories is kept.

    The files are checked with PostgreSQL's grammar here, at synth. At deploy, `onEvent` only validates;
    `isComplete` works step by step and is called again until it is done, so that a sleeping cluster or an
    index build may take up to CloudFormation's hour.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        directory: Path,
        strict: bool,
        cluster: rds.IDatabaseCluster,
        secret: secretsmanager.ISecret,
        roles: Mapping[str, secretsmanager.ISecret],
        global_hnsw_index: Mapping[str, bool],
    ) -> None:
        super().__init__(scope, id)
        plan = load(directory, strict=strict)
        for number, warning in enumerate(plan.warnings):
            Annotations.of(self).add_warning_v2(f"stchat:migration-{number}", str(warning))
        environment = {"STCHAT_CLUSTER_ARN": cluster.cluster_arn, "STCHAT_SECRET_ARN": secret.secret_arn}
        on_event = StchatFunction(
            self,
            "OnEvent",
            handler="stchat.handlers.schema.on_event",
            description="Checks a schema deployment's event; touches no database",
            timeout=Duration.seconds(30),
            environment=environment,
        )
        self.runner = StchatFunction(
            self,
            "Runner",
            handler="stchat.handlers.schema.is_complete",
            description="Applies pending migrations over the Data API, step by step",
            timeout=Duration.minutes(14),
            environment=environment,
        )
        cluster.grant_data_api_access(self.runner.function)
        for role_secret in roles.values():
            role_secret.grant_read(self.runner.function)
        framework_logs = logs.LogGroup(self, "FrameworkLogs", retention=logs.RetentionDays.ONE_MONTH)
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=on_event.function,
            is_complete_handler=self.runner.function,
            query_interval=Duration.seconds(5),
            total_timeout=Duration.hours(1),
            log_group=framework_logs,
            disable_waiter_state_machine_logging=False,
            waiter_state_machine_log_options=cr.LogOptions(
                destination=framework_logs, level=sfn.LogLevel.ALL, include_execution_data=False
            ),
        )
        acknowledge(
            provider,
            {
                MANAGED_LOGGING_POLICY: "the CDK's provider framework: its functions may write logs, nothing else",
                wildcard("*"): "the CDK's waiter: log delivery has no resource of its own to name",
                "AwsSolutions::AwsSolutions-SF2": "the waiter only polls while a deploy lasts; it logs all events",
            }
            | {
                wildcard_below(function): "the CDK's provider framework: the versions of the one function it invokes"
                for function in (
                    on_event.function,
                    self.runner.function,
                    provider.node.find_child("framework-isComplete"),
                    provider.node.find_child("framework-onTimeout"),
                )
            },
        )
        self.resource = CustomResource(
            self,
            "Schema",
            resource_type="Custom::DataApiSchema",
            service_token=provider.service_token,
            removal_policy=RemovalPolicy.DESTROY,  # deleting the resource touches no data
            properties={
                # A map, since `cdk diff` names the keys that a deploy adds, where of a list it shows whole lines.
                "Migrations": dict(migration.to_property().split(" ", 1) for migration in plan.migrations),
                "Roles": [f"{role}={role_secret.secret_arn}" for role, role_secret in roles.items()],
                "GlobalHnswIndex": {name: str(there).lower() for name, there in global_hnsw_index.items()},
            },
        )
