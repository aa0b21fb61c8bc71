"""{"framework": "langgraph" | "strands", "userid": ..., "thread": ..., "text": ...} -> {"answer": ...}

A caller that may invoke the function chooses the userid: authenticate users in front of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

FIELDS = ("framework", "userid", "thread", "text")
FRAMEWORKS = {"langgraph": ".with_langgraph", "strands": ".with_strands"}


def handler(event: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001
    for field in FIELDS:
        if not isinstance(event.get(field), str) or not event[field].strip():
            raise ValueError(f"{field} must be text: send {', '.join(FIELDS)}")
    if event["framework"] not in FRAMEWORKS:
        raise ValueError(f"framework must be {' or '.join(FRAMEWORKS)}")
    agent = import_module(FRAMEWORKS[event["framework"]], __package__)  # the other one is not imported: a shorter start
    return {"answer": agent.answer(event["userid"], event["thread"], event["text"])}
