"""The schema's functions and the outputs of the baseline configuration, on the templates of `dev`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stacks.config import dev, prod
from tests.support.templates import one, properties, synthesize

DEV = dev()
PROD = prod()

Template = dict[str, Any]
Of = Callable[[str], dict[str, Template]]


class TestSchema:
    def test_every_file_of_sql_is_deployed_by_name_and_in_order(self, templates: Of) -> None:
        files = [str(path.relative_to("sql")) for path in sorted(Path("sql").glob("*/*.sql"))]
        deployed = one(templates("dev")["Schema"], "Custom::DataApiSchema")["Migrations"]
        assert list(deployed) == files

    def test_the_index_over_everyone_stays_unless_it_is_turned_off(self, templates: Of) -> None:
        deployed = one(templates("dev")["Schema"], "Custom::DataApiSchema")
        assert deployed["GlobalHnswIndex"] == {"st_chat_db": "true"}
        off = synthesize(replace(DEV, global_hnsw_index=False))["Schema"]
        assert one(off, "Custom::DataApiSchema")["GlobalHnswIndex"] == {"st_chat_db": "false"}

    def test_functions_are_outside_the_vpc(self, templates: Of) -> None:
        for stage in ("dev", "prod"):
            for function in properties(templates(stage)["Schema"], "AWS::Lambda::Function"):
                assert "VpcConfig" not in function

    def test_functions_run_on_arm_with_json_logs(self, templates: Of) -> None:
        ours = [
            function
            for function in properties(templates("dev")["Schema"], "AWS::Lambda::Function")
            if function["Handler"].startswith("stchat.")
        ]
        assert {function["Handler"] for function in ours} == {
            "stchat.handlers.schema.on_event",
            "stchat.handlers.schema.is_complete",
        }
        for function in ours:
            assert (function["Architectures"], function["LoggingConfig"]["LogFormat"]) == (["arm64"], "JSON")

    @pytest.mark.parametrize(
        ("role", "actions"),
        [
            ("SchemaOnEventRole", {"logs:CreateLogStream", "logs:PutLogEvents"}),
            (
                "SchemaRunnerRole",
                {
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "rds-data:BatchExecuteStatement",
                    "rds-data:BeginTransaction",
                    "rds-data:CommitTransaction",
                    "rds-data:ExecuteStatement",
                    "rds-data:RollbackTransaction",
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                },
            ),
        ],
    )
    def test_exact_actions_of_each_role(self, templates: Of, role: str, actions: set[str]) -> None:
        statements = [
            statement
            for policy in properties(templates("dev")["Schema"], "AWS::IAM::Policy")
            if policy["PolicyName"].startswith(role)
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert {action for statement in statements for action in statement["Action"]} == actions
        assert all(statement["Effect"] == "Allow" and statement["Resource"] != "*" for statement in statements)


def test_outputs(templates: Of) -> None:
    outputs = {name for template in templates("dev").values() for name in template.get("Outputs", {})}
    assert {name for name in outputs if not name.startswith("Exports")} == {
        "ClusterArn",
        "SecretArn",
        "AppSecretArn",
        "ReadSecretArn",
        "DatabaseName",
        "WriterEndpoint",
        "SecurityGroupId",
        "ChatFunctionName",
        "ChatFunctionUrl",
    }
