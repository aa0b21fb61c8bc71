"""examples/agent as a person deploys it, and what its two agents know in the next invocation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import shell_blocks
from tests.support.local_aws_cli import LocalAwsCli
from tests.support.repository import REPOSITORY

README = REPOSITORY / "examples" / "agent" / "README.md"
STACK = "st-chat-agent"
USERS = ("hana", "kenji", "mio")
FRAMEWORKS = ["langgraph", "strands"]
# uv and its downloads are the machine's.
NETWORK = ("SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY", "UV_DEFAULT_INDEX")
Say = Callable[..., str]


@pytest.fixture(scope="module")
def typed(local_aws: LocalAwsCli, checkout: Path) -> Iterator[str]:
    """What the README's commands print, but those that bring up the local AWS; the stack is deleted again."""
    (checkout / "examples").mkdir(exist_ok=True)
    subprocess.run(["cp", "-r", str(README.parent), str(checkout / "examples")], check=True)
    [script] = [block.text for block in shell_blocks(README) if block.runs_here]
    up = 'local-aws up\neval "$(local-aws env)"\n'
    assert up in script
    cache = {"XDG_CACHE_HOME": str(Path.home() / ".cache")} | {
        name: os.environ[name] for name in NETWORK if name in os.environ
    }
    named = {name: value for name, value in local_aws.environment().items() if name.startswith(("STCHAT_", "AWS_"))}
    done = local_aws.bare(script.replace(up, ""), checkout, named | cache)
    assert done.status == 0, done.output
    yield done.output
    for user in USERS:
        assert local_aws.stchat("user", "erase", user, "--yes").status == 0
    local_aws.client("cloudformation").delete_stack(StackName=STACK)
    local_aws.client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


@pytest.fixture(scope="module")
def say(local_aws: LocalAwsCli, typed: str) -> Say:  # noqa: ARG001 (the stack is there)
    client = local_aws.client("lambda")
    [stack] = local_aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    name = stack["Outputs"][0]["OutputValue"]
    # Another environment of Lambda's than the README's: what it knows is in the database.
    client.update_function_configuration(FunctionName=name, MemorySize=1536)

    def say(framework: str, userid: str, thread: str, text: str) -> str:
        event = {"framework": framework, "userid": userid, "thread": thread, "text": text}
        reply = client.invoke(FunctionName=name, Payload=json.dumps(event))
        said: dict[str, Any] = json.loads(reply["Payload"].read())
        return str(said.get("answer") or said)

    return say


def test_the_readme_prints_what_it_says(typed: str) -> None:
    [answers] = re.findall(r"```text\n(.*?)```", README.read_text(), re.DOTALL)
    assert typed.endswith(answers * 2)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_thread_goes_on_in_another_environment(say: Say, framework: str) -> None:
    assert say(framework, "hana", "soups", "And now?") == (
        "In this thread you said: Remember that I like lentil soup with lemon. / What did I say?\n"
        "I remember: I like lentil soup with lemon."
    )


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_user_sees_neither_threads_nor_memories_of_another(say: Say, framework: str) -> None:
    assert say(framework, "mio", "soups", "Which soup?") == "This thread is new.\nI remember nothing of you."


def test_rows_are_the_users(local_aws: LocalAwsCli, say: Say) -> None:  # noqa: ARG001
    owners = {table: "SELECT DISTINCT userid FROM " + table for table in ("st_chat_thread", "st_chat_state")}
    for table, statement in owners.items():
        assert {row[0] for row in local_aws.sql(statement)} >= {"hana", "kenji"}, table


def test_an_event_that_is_not_complete_is_refused(say: Say) -> None:
    assert "framework must be langgraph or strands" in say("autogen", "hana", "soups", "hello")
    assert "thread must be text: send framework, userid, thread, text" in say("strands", "hana", " ", "hello")


def test_the_package_is_all_that_it_imports(local_aws: LocalAwsCli, checkout: Path, typed: str) -> None:  # noqa: ARG001
    """This machine's packages are on the path of a local function, behind its own: here they are not."""
    [package] = [path.parent for path in (checkout / "examples" / "agent" / "cdk.out").glob("asset.*/agent")]
    code = "import agent.with_langgraph, agent.with_strands, boto3, sys; print(boto3.__file__)"
    found = {name: value for name, value in local_aws.environment().items() if name.startswith(("STCHAT_", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=package, env=found, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{package}/boto3/__init__.py\n"), done.stderr
