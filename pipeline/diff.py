"""What a deploy of each stage would change, as the text of a pull request's comment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from stchat.ops.deploy_failure import reason

Migrations = Mapping[str, str]
"""A migration's path in sql/ to its checksum, as the schema's custom resource has them."""

# GitHub takes 65,536 characters in a comment; a stage's diff gives way before the rest does.
LONGEST_DIFF = 25_000
LONGEST_REASON = 1_000
TITLE = "### What a deploy would change\n"
NO_CREDENTIALS = """\
There are no AWS credentials here, so nothing is compared: a pull request from a fork gets none, and other ones get
them as soon as the repository's variables AWS_REGION and AWS_DIFF_ROLE are set (docs/operations.md).
"""


class DiffError(Exception):
    """The CDK CLI could not compare; `comment` is what a pull request shows of it."""

    def __init__(self, stage: str, status: int, output: str) -> None:
        super().__init__(f"cdk diff of {stage} ended with {status}:\n{output}")
        text = reason(output, f"make diff STAGE={stage}", f"cdk diff of {stage}") or f"{str(self)[-LONGEST_REASON:]}\n"
        self.comment = f"{TITLE}\n````text\n{text}````\n"


def report(stages: Sequence[str], out: Path, *, app: Path = Path()) -> str:
    """Markdown of all stages: the migrations that would run by name, then the CDK's diff.

    Args:
        out: where the templates go, a folder a stage.
        app: the checkout.
    """
    if boto3.Session().get_credentials() is None:
        return f"{TITLE}\n{NO_CREDENTIALS}"
    get_template = boto3.client("cloudformation").get_template
    parts = [TITLE]
    for stage in stages:
        printed = _cdk_diff(stage, out / stage, app)
        now = _migrations(json.loads((out / stage / "Schema.template.json").read_text()))
        parts.append(section(stage, now, _deployed(get_template, f"st-chat-{stage}-schema"), printed))
    return "\n".join(parts)


def section(stage: str, now: Migrations, deployed: Migrations, printed: str) -> str:
    """One stage's part: `now` are the migrations of this checkout, `printed` is what `cdk diff` printed."""
    lines = [f"#### {stage}", ""]
    new = [name for name in now if name not in deployed]
    edited = [name for name in now if name in deployed and deployed[name] != now[name]]
    lines += ["Migrations that a deploy would run, in this order:", ""] if new else ["It would run no migration."]
    lines += [f"1. `sql/{name}`" for name in new]
    lines += [f"\n**`sql/{name}` is deployed with another text: a deploy refuses an edited file.**" for name in edited]
    if len(printed) > LONGEST_DIFF:
        printed = (
            printed[:LONGEST_DIFF] + f"\n... cut at {LONGEST_DIFF:,} characters; all of it: make diff STAGE={stage}"
        )
    fence = "`" * (max(map(len, _runs_of_backticks(printed)), default=2) + 1)
    lines += ["", "<details><summary>cdk diff</summary>", "", fence + "diff", printed, fence, "", "</details>", ""]
    return "\n".join(lines)


def _runs_of_backticks(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if len(run) > 2]


def _cdk_diff(stage: str, out: Path, app: Path) -> str:
    """By templates alone: a change set would need the right to make one."""
    done = subprocess.run(
        ["cdk", "diff", "--all", "--method", "template", "--no-color", "-c", f"stage={stage}", "--output", str(out)],
        cwd=app,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise DiffError(stage, done.returncode, done.stdout)
    return done.stdout.strip()


def _deployed(get_template: Callable[..., Any], stack: str) -> Migrations:
    try:
        template = get_template(StackName=stack)["TemplateBody"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # CloudFormation's word for: no such stack
            return {}
        raise
    return _migrations(template if isinstance(template, dict) else json.loads(template))


def _migrations(template: Mapping[str, Any]) -> Migrations:
    [found] = [each for each in template["Resources"].values() if each["Type"] == "Custom::DataApiSchema"]
    return dict(found["Properties"]["Migrations"])
