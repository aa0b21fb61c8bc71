"""The templates of a stage, and what is in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from aws_cdk import App

from app import build
from stacks.config import Settings

SNAPSHOTS = Path(__file__).parents[1] / "infra" / "snapshots"
Template = dict[str, Any]


Templates = dict[str, Template]


def stacks(settings: Settings) -> list[str]:
    """The construct ids of a stage's stacks."""
    rotation = ["Rotation"] if settings.rotate_secrets_every else []
    service = ["Service"] if settings.fargate_image else []
    return ["Network", "Database", "Schema", "Chat", *service, *rotation, *(["Monitoring"] if settings.alarms else [])]


def synthesize(settings: Settings) -> Templates:
    """Templates by construct id of their stack. Fails on any finding of the policy checks."""
    app = App(context=json.loads(Path("cdk.json").read_text())["context"])
    build(app, settings)
    return {stack.display_name.split(" ")[0]: stack.template for stack in app.synth().stacks}


def properties(template: Template, resource_type: str) -> list[dict[str, Any]]:
    """The properties of each resource of a type, in the template's order."""
    return [found.get("Properties", {}) for found in template["Resources"].values() if found["Type"] == resource_type]


def one(template: Template, resource_type: str) -> dict[str, Any]:
    [found] = properties(template, resource_type)
    return found


def name_tag(resource: dict[str, Any]) -> str:
    """Of a resource's properties."""
    return next(str(tag["Value"]) for tag in resource["Tags"] if tag["Key"] == "Name")


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """By the construct's id: logical ids are Alarms<id><hash>."""
    return {
        name.removeprefix("Alarms")[:-8]: found["Properties"]
        for name, found in template["Resources"].items()
        if found["Type"] == "AWS::CloudWatch::Alarm"
    }


EXPLAINED = [
    "W3005",  # the CDK writes a DependsOn beside a GetAtt that already enforces the order: harmless, not ours to change
    "W3010",  # the zones are literal because they are settings: see ZONES_ARE_SETTINGS
]


def normalised(template: dict[str, Any]) -> str:
    """Without what changes although the infrastructure does not: the hashes of the Lambdas' packages."""
    return re.sub(r"\b[0-9a-f]{64}\.zip", "<asset>.zip", json.dumps(template, indent=2, ensure_ascii=False)) + "\n"
