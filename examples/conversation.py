"""What the page does with a turn: recall, answer if a model is there, keep. No part of it knows of the page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat.history import ChatHistory, Turn
from stchat.chat.memory import ChatMemory, Memory
from stchat.errors import ConflictError

TURNS_SHOWN = 20
TURNS_TOLD = 6  # to the model, besides what was recalled
ANSWER_TOKENS = 600


class ModelError(Exception):
    """The chat model gave no answer; its text says why."""


@dataclass(frozen=True)
class Said:
    """A turn as it was kept, with what was recalled for it. `problem`: why the model, if there is one, said nothing."""

    chatid: int
    answer: str | None
    memories: Sequence[Memory]
    problem: str | None = None


@dataclass(frozen=True)
class ChatModel:
    """A model of Bedrock's, by its Converse API."""

    client: Any
    model_id: str

    def answer(self, text: str, memories: Sequence[Memory], turns: Sequence[Turn]) -> str:
        """To `text`, knowing `memories` and the latest `turns`, newest first.

        Raises:
            ModelError: Bedrock refused, or cannot be reached.
        """
        recalled = "\n".join(f"- {memory.summary}" for memory in memories)
        system = (
            "Answer in the language of the question, in a few sentences."
            f" What this user said before, nearest first; use what fits:\n{recalled}"
        )
        messages: list[dict[str, Any]] = []
        for turn in reversed(turns[:TURNS_TOLD]):
            if turn.userinput and turn.botresponse:  # roles must take turns
                messages += [_message("user", turn.userinput), _message("assistant", turn.botresponse)]
        try:
            said = self.client.converse(
                modelId=self.model_id,
                system=[{"text": system}],
                messages=[*messages, _message("user", text)],
                inferenceConfig={"maxTokens": ANSWER_TOKENS},
            )
        except (BotoCoreError, ClientError) as error:
            raise ModelError(f"{self.model_id}: {error}") from error
        return "".join(part.get("text", "") for part in said["output"]["message"]["content"])


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"text": text}]}


@dataclass(frozen=True)
class Conversation:
    """`model` is None where no model answers."""

    history: ChatHistory
    memory: ChatMemory
    model: ChatModel | None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Conversation:
        """By the application's variables, and STCHAT_CHAT_MODEL: the id of a chat model of Bedrock's."""
        model_id = environment.get("STCHAT_CHAT_MODEL")
        model = ChatModel(boto3.client("bedrock-runtime"), model_id) if model_id else None
        return cls(ChatHistory.from_env(environment), ChatMemory.from_env(environment), model)

    def turns(self, userid: str, theme: str) -> list[Turn]:
        """The latest, oldest first."""
        return self.history.turns(userid, theme, limit=TURNS_SHOWN)[::-1]

    def say(self, userid: str, theme: str, text: str, k: int) -> Said:
        """Recall the `k` nearest memories of any theme, answer, and keep the turn and what to remember of it."""
        memories = self.memory.recall(userid, text, k)
        turns = self.history.turns(userid, theme, limit=TURNS_TOLD)
        answer, problem = None, None
        if self.model:
            try:
                answer = self.model.answer(text, memories, turns)
            except ModelError as error:
                problem = str(error)
        chatid = self._keep(userid, theme, turns[0].chatid + 1 if turns else 1, text, answer)
        self.memory.remember(userid, theme, chatid, text)
        return Said(chatid, answer, memories, problem)

    def remember_samples(self, userid: str, samples: Sequence[tuple[str, str]]) -> None:
        """Keep (theme, summary) pairs as memories; what is known stays one."""
        self.memory.remember_many(
            {"userid": userid, "theme": theme, "chatid": number, "summary": summary}
            for number, (theme, summary) in enumerate(samples)
        )

    def forget(self, userid: str) -> None:
        self.history.delete(userid)
        self.memory.delete(userid)

    def _keep(self, userid: str, theme: str, chatid: int, text: str, answer: str | None) -> int:
        """Another page of the same user may have taken the number meanwhile: the next free one is as good."""
        while True:
            try:
                self.history.add(userid, theme, chatid, text, answer)
            except ConflictError:
                chatid += 1
            else:
                return chatid
