"""The templates as they were last approved. `pytest tests/infra --update-snapshots` approves what they are now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stacks.config import STAGES
from tests.support.templates import SNAPSHOTS, normalised, stacks

TEMPLATES = [(settings.stage, stack) for settings in (make() for make in STAGES.values()) for stack in stacks(settings)]
Of = Callable[[str], dict[str, dict[str, Any]]]

# Replacing one of these loses data, or a name that is taken. A refactoring must leave their ids alone.
PINNED = {
    "Network": {"NetworkVpc7FB7348F": "AWS::EC2::VPC"},
    "Database": {
        "DatabaseCluster5B53A178": "AWS::RDS::DBCluster",
        "DatabaseMasterSecretC5C2A01F": "AWS::SecretsManager::Secret",
        "DatabaseAppSecret2E50FD00": "AWS::SecretsManager::Secret",
        "DatabaseReadSecret5226FD8D": "AWS::SecretsManager::Secret",
        "DatabaseSubnetGroup7D60F180": "AWS::RDS::DBSubnetGroup",
    },
    "Schema": {"SchemaA4448CF9": "Custom::DataApiSchema"},
    "Chat": {},
    "Rotation": {},
    "Monitoring": {},
}


@pytest.mark.parametrize(("stage", "stack"), TEMPLATES)
def test_template_is_as_approved(request: pytest.FixtureRequest, templates: Of, stage: str, stack: str) -> None:
    snapshot = SNAPSHOTS / stage / f"{stack}.json"
    now = normalised(templates(stage)[stack])
    if request.config.getoption("--update-snapshots"):
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(now)
    assert now == snapshot.read_text(), "if this is meant: make snapshots"


@pytest.mark.parametrize(("stage", "stack"), TEMPLATES)
def test_logical_ids_of_stateful_resources_are_pinned(templates: Of, stage: str, stack: str) -> None:
    resources = templates(stage)[stack]["Resources"]
    assert {id: resources[id]["Type"] for id in PINNED[stack] if id in resources} == PINNED[stack]


def test_stages_share_no_physical_name(templates: Of) -> None:
    keys = ("Name", "DBClusterIdentifier", "DBSubnetGroupName", "GroupName", "DBInstanceIdentifier", "FunctionName")

    def names(stage: str) -> set[str]:
        return {
            resource["Properties"][key]
            for template in templates(stage).values()
            for resource in template["Resources"].values()
            for key in keys
            if isinstance(resource.get("Properties", {}).get(key), str)
        }

    assert names("dev") and not names("dev") & names("prod")
