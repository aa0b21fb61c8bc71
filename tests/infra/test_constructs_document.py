"""docs/constructs.md: every example runs and synthesizes, every construct is in it, and what is wrong is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2

import constructs_lib
from constructs_lib import AuroraPostgres, Capacity, ChatFunction, DataApiSchema, SecretRotation, TwoTierVpc
from stchat.errors import SettingsError

TEXT = Path("docs/constructs.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def template(scope: dict[str, Any]) -> dict[str, Any]:
    stack = scope["stack"]
    root = stack.node.root
    assert isinstance(root, App)
    found: dict[str, Any] = root.synth(force=True, validate_on_synthesis=False).stacks[0].template
    return found


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_synthesizes(number: int) -> None:
    scope: dict[str, Any] = {}
    exec(EXAMPLES[number].replace("add_policy_checks(app)\n", ""), scope)  # noqa: S102 (our own document)
    types = [found["Type"] for found in template(scope)["Resources"].values()]
    assert types.count("AWS::RDS::DBCluster") == 1


def findings(number: int) -> set[str]:
    """Of the policy checks, in an example that itself calls them or not."""
    scope: dict[str, Any] = {}
    text = EXAMPLES[number].replace("add_policy_checks(app)\n", "").replace("app.synth()\n", "")
    exec(text, scope)  # noqa: S102 (our own document)
    app = scope["stack"].node.root
    assert isinstance(app, App)
    constructs_lib.add_policy_checks(app)
    try:
        app.synth(force=True)
    except RuntimeError as error:
        assert "ValidationFailed" in str(error)
        reports = json.loads((Path(app.outdir) / "validation-report.json").read_text())["pluginReports"]
        return {found["ruleName"].removeprefix("AwsSolutions-") for report in reports for found in report["violations"]}
    return set()


def test_the_example_with_policy_checks_passes_them_and_the_others_lack_what_the_document_says() -> None:
    *small, checked = range(len(EXAMPLES))
    assert "add_policy_checks(app)\n" in EXAMPLES[checked]
    assert findings(checked) == set()
    stated = set(re.findall(r"`([A-Z]+\d+)`", TEXT))
    assert [findings(number) for number in small] == [stated] * len(small)


def test_a_schema_in_one_stack_with_its_cluster_waits_for_the_instances() -> None:
    scope: dict[str, Any] = {}
    exec(EXAMPLES[0], scope)  # noqa: S102 (our own document)
    found = template(scope)["Resources"]
    instances = {id for id, resource in found.items() if resource["Type"] == "AWS::RDS::DBInstance"}
    [schema] = [resource for resource in found.values() if resource["Type"] == "Custom::DataApiSchema"]
    assert instances
    assert instances <= set(schema["DependsOn"])


def test_the_directory_is_what_the_lambda_carries(tmp_path: Path) -> None:
    scope: dict[str, Any] = {}
    exec(EXAMPLES[1].replace("App()", f"App(outdir={str(tmp_path)!r})"), scope)  # noqa: S102 (our own document)
    template(scope)
    packages = [path for path in tmp_path.glob("asset.*") if (path / "stchat").is_dir()]
    assert [sorted(str(file.relative_to(path / "sql")) for file in path.glob("sql/*/*")) for path in packages] == [
        ["postgres/0001_create_database.sql", "shop/0001_orders.sql"]
    ]


def test_every_construct_is_in_the_document() -> None:
    assert [name for name in constructs_lib.__all__ if not re.search(rf"\b{name}\b", TEXT)] == []
    assert all(getattr(constructs_lib, name) is not None for name in constructs_lib.__all__)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda stack, vpc: AuroraPostgres(stack, "A", vpc=vpc, engine_version="17.4"),
            "Stack/A: engine_version must be Aurora PostgreSQL 16, on which the SQL is tested, got 17.4:"
            " take 16.13, or the LTS 16.8",
        ),
        (
            lambda stack, vpc: AuroraPostgres(stack, "A", vpc=vpc, subnets=[]),
            "Stack/A: subnets must lie in 2 or more zones, got 0 subnets:"
            " take a VPC with isolated subnets in two zones (TwoTierVpc), or name the subnets",
        ),
        (
            lambda _, __: Capacity(min_acu=1),
            "capacity: auto_pause_after must be None when min_acu is above 0, got 1800 s with 1 ACU:"
            " a cluster pauses at 0 ACU alone; set min_acu=0 or auto_pause_after=None",
        ),
        (
            lambda stack, _: TwoTierVpc(stack, "A", cidr="10.0.0.0/28"),
            "Stack/A: public_cidrs must be between /16 and /28, got 10.0.0.0/32: AWS allows no other sizes",
        ),
        (
            lambda stack, vpc: DataApiSchema(
                stack, "A", directory="/nowhere", cluster=aurora(stack, vpc).cluster, secret=aurora(stack, vpc).secret
            ),
            "Stack/A: directory must be a folder with a folder for each database, got /nowhere:"
            " make <directory>/postgres/0001_create_database.sql",
        ),
        (
            lambda stack, vpc: ChatFunction(
                stack, "A", cluster=aurora(stack, vpc).cluster, secret=aurora(stack, vpc).secret, memory_mib=1
            ),
            "Stack/A: memory_mib must be 128 to 10240 MiB, got 1: Lambda allows no other size",
        ),
        (
            lambda stack, vpc: SecretRotation(
                stack,
                "A",
                cluster=aurora(stack, vpc).cluster,
                master=aurora(stack, vpc).secret,
                every=Duration.hours(1),
            ),
            "Stack/A: every must be 1 to 1000 days, got 0.0416667: Secrets Manager allows no other",
        ),
    ],
)
def test_what_is_wrong_is_refused(make: Any, problem: str) -> None:
    stack = Stack(App(), "Stack")
    with pytest.raises(SettingsError) as error:
        make(stack, TwoTierVpc(stack, "Vpc").vpc)
    assert problem in str(error.value).splitlines()


def aurora(stack: Stack, vpc: ec2.IVpc) -> AuroraPostgres:
    found = stack.node.try_find_child("Aurora")
    return found if isinstance(found, AuroraPostgres) else AuroraPostgres(stack, "Aurora", vpc=vpc)
