"""Whether the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def turns_during(work: Coroutine[Any, Any, object]) -> int:
    """How often the loop comes to something else meanwhile: hardly ever, if `work` blocks it."""
    task, count = asyncio.create_task(work), 0
    while not task.done():
        await asyncio.sleep(0.001)
        count += 1
    await task
    return count
