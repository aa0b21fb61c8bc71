"""What the guards say of the templates, and that they would say it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from cfnlint import lint
from cfnlint.config import ManualArgs

from app import build
from constructs_lib.guards import guard
from stacks.config import DEV, STAGES, Settings
from tests.infra.conftest import stacks, synthesize

Of = Callable[[str], dict[str, dict[str, Any]]]

EXPLAINED = [
    "W3005",  # the CDK writes a DependsOn beside a GetAtt that already enforces the order: harmless, not ours to change
    "W3010",  # the zones are literal because they are settings: see ZONES_ARE_SETTINGS
]


@pytest.mark.parametrize(
    ("stage", "stack"), [(settings.stage, stack) for settings in STAGES.values() for stack in stacks(settings)]
)
def test_cfn_lint_finds_nothing(templates: Of, stage: str, stack: str) -> None:
    config = ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED)
    found = lint(json.dumps(templates(stage)[stack]), config=config)
    assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_cfn_lint_would_find_a_retired_engine(templates: Of) -> None:
    template = json.loads(json.dumps(templates("dev")["Database"]).replace("16.13", "16.4"))
    found = lint(json.dumps(template), config=ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED))
    assert {match.rule.id for match in found} == {"W3690"}


def test_an_unacknowledged_finding_fails_synth() -> None:
    app = App()
    ec2.Vpc(Stack(app, "Stack"), "Vpc", nat_gateways=0)
    guard(app)
    with pytest.raises(RuntimeError, match="AwsSolutions-VPC7"):
        app.synth()


@pytest.mark.parametrize(
    "settings",
    [
        replace(DEV, snapshot_identifier="arn:aws:rds:ap-northeast-1:000000000000:cluster-snapshot:st-chat"),
        replace(DEV, instance_type=ec2.InstanceType("r8g.large"), pause_after=None),
        replace(DEV, min_acu=0.5, pause_after=None, rds_proxy=True, readers=0),
        replace(DEV, min_acu=2, pause_after=None, readers=3, backup_retention=Duration.days(14)),
    ],
    ids=["restored", "always-on", "proxy", "awake"],
)
def test_other_settings_pass_the_guards_too(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    templates = synthesize(settings)
    assert capfd.readouterr().err == ""
    # E3021: a restored cluster takes its master user from the snapshot, and its password from the secret.
    restored = ["E3021"] if settings.snapshot_identifier else []
    config = ManualArgs(regions=["ap-northeast-1"], ignore_checks=EXPLAINED + restored)
    found = lint(json.dumps(templates["Database"]), config=config)
    assert [f"{match.rule.id} {match.message}" for match in found] == []


def test_package_has_what_the_lambda_needs_and_no_more(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    build(app, DEV)
    app.synth()
    [package] = [path for path in tmp_path.glob("asset.*") if (path / "stchat").is_dir()]
    assert {path.name for path in package.iterdir()} == {"stchat", "sql"}
    inside = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert {path for path in inside if path.startswith("sql/")} == {str(path) for path in Path("sql").glob("*/*.sql")}
    assert "stchat/handlers/schema.py" in inside
    assert not {path for path in inside if re.search(r"(import|from) pglast", (package / path).read_text())}
    assert not {path for path in inside if "__pycache__" in path or path.startswith("stchat/cli")}
