"""The templates of both stages, synthesized once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from stacks.config import STAGES, Settings

Template = dict[str, Any]
Templates = dict[str, Template]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="write the templates' snapshots anew")


def stacks(settings: Settings) -> list[str]:
    """The construct ids of a stage's stacks."""
    rotation = ["Rotation"] if settings.rotate_secrets_every else []
    return ["Network", "Database", "Schema", "Chat", *rotation, *(["Monitoring"] if settings.alarms else [])]


def synthesize(settings: Settings) -> Templates:
    """Templates by construct id of their stack. Fails on any finding of the guards."""
    app = App(context=json.loads(Path("cdk.json").read_text())["context"])
    build(app, settings)
    return {stack.display_name.split(" ")[0]: stack.template for stack in app.synth().stacks}


@pytest.fixture(scope="session")
def templates() -> Callable[[str], Templates]:
    """The templates of a stage, by its name."""
    made: dict[str, Templates] = {}

    def of(stage: str) -> Templates:
        if stage not in made:
            made[stage] = synthesize(STAGES[stage]())
        return made[stage]

    return of
