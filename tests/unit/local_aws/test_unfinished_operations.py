"""What an interrupted `up` left in the control plane, as the next one finds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ministack import app
from ministack.services import cloudformation

from local_aws import cdk_cli
from local_aws.ministack import saved_state
from local_aws.state import LocalAws

SCHEMA, TOOLKIT = "st-chat-dev-schema", "CDKToolkit"


def stacks(**statuses: str) -> dict[str, Any]:
    return {"Stacks": [{"StackName": name, "StackStatus": status} for name, status in statuses.items()]}


def local_aws(answers: Sequence[dict[str, Any]]) -> LocalAws:
    left = iter(answers)
    client = SimpleNamespace(describe_stacks=lambda: next(left))
    return cast(LocalAws, SimpleNamespace(client=lambda _service: client, directory=Path()))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """What the CDK CLI is run with."""
    run: list[Sequence[str]] = []
    monkeypatch.setattr(cdk_cli, "run", lambda _cloud, arguments, **_: run.append(arguments))
    monkeypatch.setattr(cdk_cli, "POLL_SECONDS", 0)
    return run


@pytest.mark.usefixtures("commands")
def test_a_stack_that_is_being_created_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The CDK CLI would find no changes in it, and `up` no tables: crash point 13 of benchmarks/crash_up.py."""
    under_way, ended = stacks(**{SCHEMA: "CREATE_IN_PROGRESS"}), stacks(**{SCHEMA: "CREATE_COMPLETE"})
    cdk_cli.finish_operations(local_aws([under_way, under_way, ended, ended]))
    assert capsys.readouterr().out == f"waiting for {SCHEMA}, whose operation an interrupted command began\n"


@pytest.mark.usefixtures("commands")
def test_a_change_set_that_was_not_executed_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    review = stacks(**{SCHEMA: "REVIEW_IN_PROGRESS"})
    cdk_cli.finish_operations(local_aws([review, review]))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("status", "is_run"),
    [
        (None, True),
        ("REVIEW_IN_PROGRESS", True),
        ("ROLLBACK_COMPLETE", True),
        ("CREATE_COMPLETE", False),
        ("UPDATE_COMPLETE", False),
    ],
)
def test_an_account_is_bootstrapped_when_the_stack_is_complete(
    commands: list[Sequence[str]], status: str | None, is_run: bool
) -> None:
    """Crash point 19: a stack that was not complete had no version in SSM."""
    cdk_cli.bootstrap(local_aws([stacks(**{TOOLKIT: status} if status else {})]))
    assert commands == ([["bootstrap", "aws://000000000000/ap-northeast-1"]] if is_run else [])


def test_a_state_that_was_read_over_a_whole_stack_operation_is_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Otherwise what one service had before the operation is saved beside what another has after it."""
    stack = {"StackId": "one", "StackStatus": "UPDATE_COMPLETE", "LastUpdatedTime": "12:00"}
    reads = []

    def read() -> dict[str, Any]:
        reads.append(1)
        if len(reads) == 1:
            stack["LastUpdatedTime"] = "12:01"
        return {"version": len(reads)}

    monkeypatch.setattr(cloudformation._stacks, "_data", {"one": stack})
    monkeypatch.setattr(app, "_build_persistence_save_dict", lambda: {"ssm": read})
    state = saved_state.SavedState(tmp_path / "state.json")
    monkeypatch.setattr(state, "_prune", lambda _referenced: None)
    state.touch()
    assert state.save() == ""
    assert (tmp_path / "state.json").read_text() == '{"ssm": {"version": 2}}\n'
