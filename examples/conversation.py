"""What the page does with a turn: recall, answer if a model is there, keep. No part of it knows of the page."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat.embeddings import shared_client
from stchat.chat.history import ChatHistory, Turn
from stchat.chat.memory import ChatMemory
from stchat.chat.recall import Memory
from stchat.data_api import describe_error
from stchat.environment import Variable, region_of
from stchat.errors import ConflictError, StchatError

TURNS_SHOWN = 20
MEMORIES_SHOWN = 10  # of a page of the list
TURNS_TOLD = 6  # to the model, besides what was recalled
ANSWER_TOKENS = 600

_SENTENCE = re.compile(r"[^。！？.!?\n]+(?:[.!?](?=\S)[^。！？.!?\n]*)*[。！？.!?\n]*\s*")
_QUESTION = re.compile(
    r"[?？]\W*$|(か|かな|かしら|教えて|教えてください)[。.!！\s]*$"
    r"|^\W*(who|what|when|where|which|why|how|tell me|show me)\b",
    re.IGNORECASE,
)


class ModelError(StchatError):
    """The chat model gave no answer; its text says why."""


@dataclass(frozen=True)
class Said:
    """A turn as it was kept, with what was recalled for it. `problem`: why the model, if there is one, said nothing."""

    chatid: int
    text: str
    answer: str | None
    memories: Sequence[Memory]
    problem: ModelError | None = None


def statements(text: str) -> str:
    """The text without its questions: these say nothing of the user that is worth remembering."""
    return "".join(part for part in _SENTENCE.findall(text) if not _QUESTION.search(part.strip())).strip()


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
        recalled = "\n".join(f"- {' '.join(memory.summary.split())}" for memory in memories)
        system = (
            "Answer in the language of the question, in a few sentences."
            f" What this user said before, the best first; use what fits:\n{recalled}"
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
            raise ModelError(f"{self.model_id}: {describe_error(error)}") from error
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
        memory = ChatMemory.from_env(environment)
        model_id = environment.get(Variable.CHAT_MODEL)
        model = ChatModel(shared_client(region_of(environment[Variable.CLUSTER_ARN])), model_id) if model_id else None
        return cls(ChatHistory(memory.api), memory, model)

    def themes(self, userid: str) -> list[str]:
        """The latest first."""
        return [theme.theme for theme in self.history.themes(userid)]

    def turns(self, userid: str, theme: str) -> list[Turn]:
        """The latest, oldest first."""
        return self.history.turns(userid, theme, limit=TURNS_SHOWN)[::-1]

    def say(self, userid: str, theme: str, text: str, k: int, least: float = -1.0) -> Said:
        """Recall the `k` best memories of any theme, answer, and keep the turn and what to remember of it.

        `least`: the similarity below which a memory counts for nothing.
        """
        memories = [memory for memory in self.memory.recall(userid, text, k) if (memory.similarity or 0) >= least]
        turns = self.history.turns(userid, theme, limit=TURNS_TOLD)
        answer: str | None = None
        problem: ModelError | None = None
        if self.model:
            try:
                answer = self.model.answer(text, memories, turns)
            except ModelError as error:
                problem = error
        chatid = self._keep(userid, theme, turns[0].chatid + 1 if turns else 1, text, answer)
        if summary := statements(text):
            self.memory.remember(userid, theme, chatid, summary)
        return Said(chatid, text, answer, memories, problem)

    def remember_samples(self, userid: str, samples: Sequence[tuple[str, str]]) -> None:
        """Keep (theme, summary) pairs as memories; what is known stays one."""
        self.memory.remember_many(
            {"userid": userid, "theme": theme, "chatid": number, "summary": summary}
            for number, (theme, summary) in enumerate(samples)
        )

    def forget(self, userid: str) -> None:
        self.history.delete(userid)
        self.memory.delete(userid)

    def memories(self, userid: str, after: str | None) -> list[Memory]:
        """The next of the list, oldest first, and one more if there is a further page."""
        return self.memory.list(userid, after=after, limit=MEMORIES_SHOWN + 1)

    def change(self, userid: str, memory_id: str, summary: str) -> None:
        self.memory.update(userid, memory_id, summary=summary)

    def forget_one(self, userid: str, memory_id: str) -> None:
        self.memory.forget(userid, [memory_id])

    def _keep(self, userid: str, theme: str, chatid: int, text: str, answer: str | None) -> int:
        """Another page of the same user may have taken the number meanwhile: the next free one is as good."""
        while True:
            try:
                self.history.add(userid, theme, chatid, text, answer)
            except ConflictError:
                chatid += 1
            else:
                return chatid
