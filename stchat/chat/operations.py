"""The operations of history and memory by name, with JSON in and out: what the chat function serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stchat.chat.embeddings import CohereEmbedder, bedrock_runtime_client
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import DataApi, rds_data_client
from stchat.environment import ApplicationSettings
from stchat.errors import InputError

Fields = Mapping[str, Any]

MOST_ITEMS = 480  # five batches of the library's, so that a call ends well within a minute


@dataclass(frozen=True)
class Outcome:
    """What an operation answers, and how many rows or items it is about."""

    answer: dict[str, Any]
    rows: int


@dataclass(frozen=True)
class Chat:
    """History and memory over one client of the Data API. Of many threads each may use it at once."""

    history: ChatHistory
    memory: ChatMemory

    @classmethod
    def of(cls, settings: ApplicationSettings, call_seconds: float) -> Chat:
        """`call_seconds`: how long one call of the Data API or of Bedrock may take."""
        api = DataApi(rds_data_client(call_seconds), settings.cluster_arn, settings.secret_arn, settings.database)
        embedder = CohereEmbedder(bedrock_runtime_client(call_seconds), settings.embedding_model)
        return cls(ChatHistory(api), ChatMemory(api, embedder))

    def with_timeout(self, seconds: float) -> Chat:
        """The same, whose operations wait that long at most for what is asleep or busy."""
        return Chat(self.history.with_timeout(seconds), self.memory.with_timeout(seconds))


@dataclass(frozen=True)
class Operation:
    """`run` gets the fields by their names, which are those of the library's arguments and are checked there."""

    run: Callable[..., Outcome]
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def __call__(self, chat: Chat, fields: Fields) -> Outcome:
        """An optional field that is null counts as left out.

        Raises:
            InputError: a field is missing, unknown, or not what it must be; nothing was sent.
            StchatError: as the library's methods.
        """
        for name in self.needed:
            if name not in fields:
                raise InputError(name, "be given", "none")
        known = (*self.needed, *self.optional)
        for name in fields:
            if name not in known:
                shown = name[:64].encode(errors="replace").decode()
                raise InputError(shown, f"be one of {', '.join(known)}", "a field of another name")
        return self.run(
            chat, **{name: value for name, value in fields.items() if value is not None or name in self.needed}
        )


def _add(chat: Chat, userinput: str | None = None, botresponse: str | None = None, **turn: Any) -> Outcome:
    written = chat.history.add(**turn, userinput=userinput, botresponse=botresponse)
    return Outcome({"written": written}, int(written))


def _turns(chat: Chat, **fields: Any) -> Outcome:
    turns = chat.history.turns(**fields)
    return Outcome({"turns": [asdict(turn) | {"timestamp": turn.timestamp.isoformat()} for turn in turns]}, len(turns))


def _themes(chat: Chat, userid: str) -> Outcome:
    themes = chat.history.themes(userid)
    return Outcome({"themes": [asdict(theme) | {"latest": theme.latest.isoformat()} for theme in themes]}, len(themes))


def _delete(chat: Chat, **fields: Any) -> Outcome:
    deleted = chat.history.delete(**fields)
    return Outcome({"deleted": deleted}, deleted)


def _remember(chat: Chat, **item: Any) -> Outcome:
    written = chat.memory.remember(**item)
    return Outcome({"written": written}, int(written))


def _remember_many(chat: Chat, items: list[Fields]) -> Outcome:
    if not isinstance(items, list):
        raise InputError("items", "be a list of objects", type(items).__name__)
    if len(items) > MOST_ITEMS:
        raise InputError("items", f"have at most {MOST_ITEMS} members", f"{len(items)}", "send them in several calls")
    done = chat.memory.remember_many(items)
    return Outcome(asdict(done), len(items))


def _recall(chat: Chat, query: str | None = None, vector: list[float] | None = None, **fields: Any) -> Outcome:
    if (query is None) == (vector is None):
        raise InputError("query", "be given, or vector, and not both", "none" if query is None else "both")
    found = (
        chat.memory.recall(query=query, **fields)
        if query is not None
        else chat.memory.recall_vector(vector=vector or [], **fields)
    )
    return Outcome({"memories": [asdict(memory) for memory in found]}, len(found))


def _forget(chat: Chat, **fields: Any) -> Outcome:
    forgotten = chat.memory.forget(**fields)
    return Outcome({"forgotten": forgotten}, forgotten)


OPERATIONS: Mapping[str, Operation] = {
    "add": Operation(_add, ("userid", "themename", "chatid"), ("userinput", "botresponse")),
    "turns": Operation(_turns, ("userid",), ("themename", "limit", "before")),
    "themes": Operation(_themes, ("userid",)),
    "delete": Operation(_delete, ("userid",), ("themename",)),
    "remember": Operation(_remember, ("userid", "theme", "chatid", "summary"), ("metadata", "vector")),
    "remember_many": Operation(_remember_many, ("items",)),
    "recall": Operation(_recall, ("userid",), ("query", "vector", "k", "theme", "metadata")),
    "forget": Operation(_forget, ("userid",), ("theme", "chatid")),
}
