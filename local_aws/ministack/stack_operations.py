"""DescribeStacks of a stack that is being changed answers when the change has ended, or after a while: a client asks
again every few seconds (the CDK CLI every 5), and would otherwise wait that long for what is done in one."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.services import cloudformation

Answer = tuple[int, Mapping[str, str], bytes]

HOLD_SECONDS = 10.0  # less than any client waits for an answer
LOOK_SECONDS = 0.1


def install() -> None:
    """ministack's handlers return their answer; this one returns what is awaited for it."""
    handle, describe = cloudformation.handle_request, cloudformation._ACTION_HANDLERS["DescribeStacks"]

    async def handle_request(*arguments: Any) -> Answer:
        answer: Answer | Awaitable[Answer] = await handle(*arguments)
        return await answer if inspect.isawaitable(answer) else answer

    cloudformation._ACTION_HANDLERS["DescribeStacks"] = lambda parameters: _describe_once_ended(describe, parameters)
    cloudformation.handle_request = handle_request


async def _describe_once_ended(describe: Callable[[Any], Answer], parameters: Mapping[str, list[str]]) -> Answer:
    names = parameters.get("StackName", [])
    deadline = time.monotonic() + HOLD_SECONDS
    while any(_is_changing(name) for name in names) and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
    return describe(parameters)


def _is_changing(name: str) -> bool:
    """By name or id. REVIEW_IN_PROGRESS is a change set that may never be executed."""
    stacks = cloudformation._stacks.values()
    return any(
        stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        for stack in list(stacks)
        if name in (stack["StackName"], stack["StackId"])
    )
