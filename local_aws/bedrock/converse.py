"""Converse without a language model: an answer that lists what the caller's system prompt recalled, and says that it is
no model's.

Requests are checked against botocore's description, in botocore's words, and by the rules for conversations in AWS's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from botocore.validate import ParamValidator

from local_aws.bedrock import LOCAL_MODEL
from local_aws.bedrock.cohere import tokens
from local_aws.bedrock.errors import SERVICE, BedrockError, malformed

# Chat models of AWS, by their id or as an inference profile: an application may name here what it names there.
MODELS = re.compile(rf"{re.escape(LOCAL_MODEL)}|([a-z]{{2,6}}\.)?(amazon\.nova|anthropic\.claude)[a-z0-9.:-]+")
CONVERSE = SERVICE.operation_model("Converse")
NOT_HERE = ("toolConfig", "guardrailConfig", "outputConfig", "promptVariables")
LISTED = 3
_RECALLED = re.compile(r"^- (.+)$", re.MULTILINE)
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_TEXTS = {
    "ja": (
        "以前に伺ったことのうち、近いものは次のとおりです。\n\n{listed}",
        "関係のありそうなことは、まだ伺っていません。",
        "\n\n*ローカルの Bedrock の応答です。言語モデルではなく、検索された記憶を並べています。*",
    ),
    "en": (
        "What you told me before that comes closest:\n\n{listed}",
        "You have not told me anything yet that comes close.",
        "\n\n*This is the local Bedrock: no language model, it lists the memories that were recalled.*",
    ),
}


@dataclass(frozen=True)
class Answer:
    body: dict[str, Any]
    listed: int


def answer(body: bytes) -> Answer:
    """
    Raises:
        BedrockError: ValidationException, for what AWS refuses, and for what is not text.
    """
    request = _parse(body)
    system = "\n".join(part.get("text", "") for part in request.get("system", []))
    messages = request["messages"]
    recalled = _RECALLED.findall(system)
    text = _answer(_text(messages[-1]), recalled[:LISTED])
    limits = request.get("inferenceConfig", {})
    text, reason = _limited(text, limits.get("maxTokens"), limits.get("stopSequences", []))
    given, answered = tokens(system) + sum(tokens(_text(message)) for message in messages), tokens(text)
    return Answer(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": reason,
            "usage": {"inputTokens": given, "outputTokens": answered, "totalTokens": given + answered},
            "metrics": {"latencyMs": 1},
        },
        listed=len(recalled),
    )


def _answer(question: str, recalled: list[str]) -> str:
    found, nothing, note = _TEXTS["ja" if _JAPANESE.search(question) else "en"]
    listed = "\n".join(f"- {memory}" for memory in recalled)
    return (found.format(listed=listed) if recalled else nothing) + note


def _limited(text: str, most: int | None, stops: list[str]) -> tuple[str, str]:
    """The text up to the first stop sequence or to `most` tokens, and Bedrock's reason for its end."""
    ends = [end for stop in stops if stop and (end := text.find(stop)) >= 0]
    text, reason = (text[: min(ends)], "stop_sequence") if ends else (text, "end_turn")
    if most is not None and tokens(text) > most:
        while tokens(text) > most:
            text = text[:-1]
        return text, "max_tokens"
    return text, reason


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise malformed()
    assert CONVERSE.input_shape is not None
    report = ParamValidator().validate(request | {"modelId": LOCAL_MODEL}, CONVERSE.input_shape)
    if report.has_errors():
        raise _refused(report.generate_report())
    for broken in _broken(request):
        raise _refused(broken)
    return request


def _broken(request: dict[str, Any]) -> Iterator[str]:
    messages = request.get("messages", [])
    if not messages or messages[0]["role"] != "user":
        yield (
            "A conversation must start with a user message. Try again with a conversation that starts with a"
            " user message."
        )
    roles = [message["role"] for message in messages]
    if unknown := [role for role in roles if role not in ("user", "assistant")]:
        yield f"messages must have the role user or assistant, got {unknown[0][:64]}"
    if any(role == before for before, role in pairwise(roles)):
        yield (
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates"
            " between user and assistant roles and try again."
        )
    if roles[-1:] == ["assistant"]:
        yield "The local Bedrock does not continue an assistant's message: the last one must be a user's."
    for number, message in enumerate(messages):
        if not message["content"]:
            yield f"The content field in the Message object at messages.{number} is empty. Add a ContentBlock object."
        for index, block in enumerate(message["content"]):
            if "text" not in block:
                yield "The local Bedrock converses in text alone: no images, documents or tools."
            elif not block["text"].strip():
                yield (
                    f"The text field in the ContentBlock object at messages.{number}.content.{index} is blank. Add text"
                    " to the text field, and try again."
                )
    if other := [name for name in NOT_HERE if request.get(name)]:
        yield f"The local Bedrock converses in text alone: it has no {other[0]}."


def _refused(message: str) -> BedrockError:
    return BedrockError("ValidationException", message)


def _text(message: dict[str, Any]) -> str:
    return "\n".join(block["text"] for block in message["content"])
