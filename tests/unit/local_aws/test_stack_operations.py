"""DescribeStacks of a stack that is being changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from ministack.services import cloudformation

from local_aws.ministack import stack_operations

NAME = "st-chat-dev-schema"
ID = f"arn:aws:cloudformation:ap-northeast-1:000000000000:stack/{NAME}/1"
Asked = dict[str, list[str]]


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cloudformation, "_ACTION_HANDLERS", {**cloudformation._ACTION_HANDLERS})
    monkeypatch.setattr(cloudformation, "handle_request", cloudformation.handle_request)
    monkeypatch.setattr(stack_operations, "LOOK_SECONDS", 0.001)
    stack_operations.install()
    yield
    cloudformation.reset()


def described(before: str, after: str | None, asked: Asked) -> str:
    """The answer to DescribeStacks, of a stack whose status becomes `after` while it is asked for; never where None."""
    stack = {"StackName": NAME, "StackId": ID, "StackStatus": before, "CreationTime": "2026-01-01T00:00:00Z"}
    cloudformation._stacks[NAME] = stack

    async def ask() -> str:
        answer = asyncio.create_task(
            cloudformation.handle_request("POST", "/", {}, b"", {"Action": ["DescribeStacks"], **asked})
        )
        for _ in range(3):
            await asyncio.sleep(0.002)
        if after:
            assert not answer.done()
            stack["StackStatus"] = after
        _, _, body = await answer
        return str(body.decode()).partition("<StackStatus>")[2].partition("<")[0]

    return asyncio.run(ask())


@pytest.mark.parametrize("name", [NAME, ID])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CREATE_IN_PROGRESS", "CREATE_COMPLETE"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("DELETE_IN_PROGRESS", "DELETE_FAILED"),
    ],
)
def test_it_is_described_once_the_change_has_ended(name: str, before: str, after: str) -> None:
    assert described(before, after, {"StackName": [name]}) == after


def test_a_long_change_is_described_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_operations, "HOLD_SECONDS", 0.01)
    assert described("CREATE_IN_PROGRESS", None, {"StackName": [NAME]}) == "CREATE_IN_PROGRESS"


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        ("REVIEW_IN_PROGRESS", {"StackName": [NAME]}),  # a change set that may never be executed
        ("CREATE_COMPLETE", {"StackName": [NAME]}),
        ("CREATE_IN_PROGRESS", {}),  # who asks for all of them wants to see what goes on
    ],
)
def test_the_rest_is_described_at_once(status: str, asked: Asked) -> None:
    cloudformation._stacks[NAME] = {"StackName": NAME, "StackId": ID, "StackStatus": status}
    question = cloudformation.handle_request("POST", "/", {}, b"", {"Action": ["DescribeStacks"], **asked})
    with pytest.raises(StopIteration) as ended:  # it waits for nothing
        question.send(None)
    assert f"<StackStatus>{status}<" in ended.value.value[2].decode()
