"""The schema of a cluster's databases: a custom resource that runs a folder of SQL files over the Data API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from aws_cdk import Annotations, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import custom_resources as cr
from constructs import Construct

from constructs_lib import validation
from constructs_lib.acknowledgments import MANAGED_LOGGING_POLICY, acknowledge, wildcard, wildcard_below
from constructs_lib.data_api_grant import grant_data_api
from constructs_lib.stchat_function import StchatFunction
from stchat.environment import Settings
from stchat.sql_lint.parse import load


class DataApiSchema(Construct):
    """Brings every database to the migrations in `directory`, and gives each of `roles` its secret's password.

    `directory` has a folder for each database, `postgres/` for what creates them, with files `0001_<what>.sql` and on.
    `secret` is the master user's. `strict`: a statement that may lose data or lock for long stops synth, not just
    warns. `roles`: by name, the secret of a role that the migrations create. `global_hnsw_index`: by database, whether
    the index for searches over all memories is kept (of the chat's schema alone).

    The files are checked with PostgreSQL's grammar at synth, and lie beside the code of the two functions. At deploy,
    `onEvent` only validates; `isComplete` works step by step and is called again until it is done, so that a paused
    cluster or an index build may take up to CloudFormation's hour. `runner` is that function, `resource` the custom
    resource: what needs the tables depends on it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        directory: Path | str,
        cluster: rds.IDatabaseCluster,
        secret: secretsmanager.ISecret,
        strict: bool = False,
        roles: Mapping[str, secretsmanager.ISecret] | None = None,
        global_hnsw_index: Mapping[str, bool] | None = None,
    ) -> None:
        super().__init__(scope, id)
        directory, roles, global_hnsw_index = Path(directory), roles or {}, global_hnsw_index or {}
        validation.require(self, _problems(directory, roles))
        plan = load(directory, strict=strict)
        databases = {migration.database for migration in plan.migrations}
        validation.require(self, _index_problems(global_hnsw_index, databases))
        for number, warning in enumerate(plan.warnings):
            Annotations.of(self).add_warning_v2(f"stchat:migration-{number}", str(warning))
        environment = Settings(cluster.cluster_arn, secret.secret_arn).to_environment()
        names = [f"{migration.database}/{migration.name}" for migration in plan.migrations]
        sql = {name: directory / name for name in names}
        on_event = StchatFunction(
            self,
            "OnEvent",
            handler="schema.on_event",
            description="Checks a schema deployment's event; touches no database",
            timeout=Duration.seconds(30),
            environment=environment,
            sql=sql,
        )
        self.runner = StchatFunction(
            self,
            "Runner",
            handler="schema.is_complete",
            description="Applies pending migrations over the Data API, step by step",
            timeout=Duration.minutes(14),
            environment=environment,
            sql=sql,
        )
        grant_data_api(self.runner.function, cluster=cluster, secret=secret)
        for role_secret in roles.values():
            role_secret.grant_read(self.runner.function)
        self.resource = CustomResource(
            self,
            "Schema",
            resource_type="Custom::DataApiSchema",
            service_token=self._provider(on_event.function).service_token,
            removal_policy=RemovalPolicy.DESTROY,  # deleting the resource touches no data
            properties={
                # A map, since `cdk diff` names the keys that a deploy adds, where of a list it shows whole lines.
                "Migrations": dict(migration.to_property().split(" ", 1) for migration in plan.migrations),
                "Roles": [f"{role}={role_secret.secret_arn}" for role, role_secret in roles.items()],
                "GlobalHnswIndex": {name: str(there).lower() for name, there in global_hnsw_index.items()},
            },
        )
        # A cluster of the same stack has no endpoint before its instances; one of another app has no children here.
        self.resource.node.add_dependency(cluster)

    def _provider(self, on_event: lambda_.Function) -> cr.Provider:
        """The CDK's framework, which waits between calls in a state machine. It logs no event and no answer."""
        framework_logs = logs.LogGroup(self, "FrameworkLogs", retention=logs.RetentionDays.ONE_MONTH)
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=on_event,
            is_complete_handler=self.runner.function,
            query_interval=Duration.seconds(5),
            total_timeout=Duration.hours(1),
            log_group=framework_logs,
            framework_lambda_logging_level=lambda_.ApplicationLogLevel.FATAL,
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
                    on_event,
                    self.runner.function,
                    provider.node.find_child("framework-isComplete"),
                    provider.node.find_child("framework-onTimeout"),
                )
            },
        )
        return provider


def _problems(directory: Path, roles: Mapping[str, secretsmanager.ISecret]) -> Iterator[str]:
    if not directory.is_dir():
        yield (
            f"directory must be a folder with a folder for each database, got {directory}:"
            " make <directory>/postgres/0001_create_database.sql"
        )
    for role in roles:
        yield from validation.role_name("roles", role)


def _index_problems(indexes: Mapping[str, bool], databases: set[str]) -> Iterator[str]:
    for database in sorted(indexes.keys() - databases):
        yield (
            f"global_hnsw_index must name databases of directory ({', '.join(sorted(databases))}), got {database}:"
            " leave it out for a schema without st_chat_history_vector_table"
        )
