"""The operations of history and memory by name, with JSON in and out: what the chat function serves.

Its wire fields are those of the first release: themename, written, known, cut, forgotten. The library has theme,
created, existing, truncated, deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from stchat.chat.embeddings import CohereEmbedder, bedrock_runtime_client
from stchat.chat.history import ChatHistory, Theme, Turn
from stchat.chat.memory import ChatMemory
from stchat.chat.recall import Memory
from stchat.data_api import DataApi
from stchat.environment import ApplicationSettings
from stchat.errors import InputError

Fields = Mapping[str, Any]

MOST_ITEMS = 480  # five batches of the library's, so that a call ends well within a minute


@dataclass(frozen=True)
class Outcome:
    """The fields that an operation returns, and how many rows or items it is about."""

    fields: dict[str, Any]
    rows: int


@dataclass(frozen=True)
class Chat:
    """History and memory over one client of the Data API. Threads may share it."""

    history: ChatHistory
    memory: ChatMemory

    @classmethod
    def from_settings(cls, settings: ApplicationSettings, read_seconds: float) -> Chat:
        """`read_seconds`: how long one call of the Data API or of Bedrock may take."""
        api = DataApi.from_settings(settings, read_seconds=read_seconds)
        model = bedrock_runtime_client(settings.bedrock_region, read_seconds=read_seconds)
        embedder = CohereEmbedder(model, settings.embedding_model)
        return cls(
            ChatHistory(api, settings.history_expires_after),
            ChatMemory(api, embedder, expires_after=settings.memory_expires_after),
        )

    def with_timeout(self, seconds: float) -> Chat:
        """The same, whose operations wait that long at most for what is paused or busy."""
        return Chat(self.history.with_timeout(seconds), self.memory.with_timeout(seconds))


@dataclass(frozen=True)
class Operation:
    """`run` gets the fields by their names; the library checks their values. `nullable`: optional too, and null is a
    value of them."""

    run: Callable[..., Outcome]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()

    def __call__(self, chat: Chat, fields: Fields) -> Outcome:
        """Another optional field that is null counts as absent.

        Raises:
            InputError: a field is missing, unknown or not valid; nothing was sent.
            StchatError: as the library's methods.
        """
        for name in self.required:
            if name not in fields:
                raise InputError(name, "be given", "none")
        names = (*self.required, *self.optional, *self.nullable)
        for name in fields:
            if name not in names:
                shown = name[:64].encode(errors="replace").decode()
                raise InputError(shown, f"be one of {', '.join(names)}", "a field of another name")
        given = {name: value for name, value in fields.items() if value is not None or name not in self.optional}
        try:
            return self.run(chat, **given)
        except InputError as error:
            if error.field == "theme" and "themename" in names:
                raise error.renamed("themename") from None
            raise


def _add(
    chat: Chat, themename: str, userinput: str | None = None, botresponse: str | None = None, **turn: Any
) -> Outcome:
    created = chat.history.add(**turn, theme=themename, userinput=userinput, botresponse=botresponse)
    return Outcome({"written": created}, int(created))


def _turns(chat: Chat, themename: str | None = None, **fields: Any) -> Outcome:
    turns = chat.history.turns(theme=themename, **fields)
    return Outcome({"turns": [_wire(turn) for turn in turns]}, len(turns))


def _themes(chat: Chat, userid: str) -> Outcome:
    themes = chat.history.themes(userid)
    return Outcome({"themes": [_wire(theme) for theme in themes]}, len(themes))


def _wire(item: Turn | Theme) -> dict[str, Any]:
    return {"themename" if name == "theme" else name: value for name, value in _json(item).items()}


def _json(item: Turn | Theme | Memory) -> dict[str, Any]:
    """Times as ISO 8601."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(item).items()}


def _memories(found: list[Memory]) -> Outcome:
    return Outcome({"memories": [_json(memory) for memory in found]}, len(found))


def _delete(chat: Chat, themename: str | None = None, **fields: Any) -> Outcome:
    deleted = chat.history.delete(theme=themename, **fields)
    return Outcome({"deleted": deleted}, deleted)


def _remember(chat: Chat, **item: Any) -> Outcome:
    created = chat.memory.remember(**item)
    return Outcome({"written": created}, int(created))


def _remember_many(chat: Chat, items: list[Fields]) -> Outcome:
    if not isinstance(items, list):
        raise InputError("items", "be a list of objects", type(items).__name__)
    if len(items) > MOST_ITEMS:
        raise InputError("items", f"have at most {MOST_ITEMS} members", f"{len(items)}", "send them in several calls")
    done = chat.memory.remember_many(items)
    return Outcome({"written": done.created, "known": done.existing, "cut": done.truncated}, len(items))


def _recall(chat: Chat, query: str | None = None, vector: list[float] | None = None, **fields: Any) -> Outcome:
    """`mode` belongs to a query; a vector has `text` instead, for the words."""
    if (query is None) == (vector is None):
        raise InputError("query", "be given, or vector, and not both", "none" if query is None else "both")
    for name, other, given in (("mode", "query", query is None), ("text", "vector", vector is None)):
        if given and name in fields:
            raise InputError(name, f"be given with {other} alone", "it without one")
    found = (
        chat.memory.recall(query=query, **fields)
        if query is not None
        else chat.memory.recall_vector(vector=vector or [], **fields)
    )
    return _memories(found)


def _get(chat: Chat, **fields: Any) -> Outcome:
    return _memories(chat.memory.get(**fields))


def _list(chat: Chat, **fields: Any) -> Outcome:
    return _memories(chat.memory.list(**fields))


def _update(chat: Chat, **fields: Any) -> Outcome:
    found = chat.memory.update(**fields)
    return Outcome({"found": found}, int(found))


def _forget(chat: Chat, userid: str, **fields: Any) -> Outcome:
    """`ids` that are null are refused: without ids and a theme every memory goes."""
    if "ids" not in fields:
        deleted = chat.memory.delete(userid, **fields)
    elif len(fields) > 1:
        raise InputError("ids", "be given without theme and chatid", "them too")
    else:
        deleted = chat.memory.forget(userid, **fields)
    return Outcome({"forgotten": deleted}, deleted)


_RECALL_FIELDS = (
    "query", "vector", "k", "theme", "metadata", "mode", "text", "filter", "since", "until", "half_life", "recency",
)  # fmt: skip
OPERATIONS: Mapping[str, Operation] = {
    "add": Operation(_add, ("userid", "themename", "chatid"), ("userinput", "botresponse", "expires_at")),
    "turns": Operation(_turns, ("userid",), ("themename", "limit", "before")),
    "themes": Operation(_themes, ("userid",)),
    "delete": Operation(_delete, ("userid",), ("themename",)),
    "remember": Operation(
        _remember, ("userid", "theme", "chatid", "summary"), ("metadata", "vector", "id", "expires_at")
    ),
    "remember_many": Operation(_remember_many, ("items",)),
    "recall": Operation(_recall, ("userid",), _RECALL_FIELDS),
    "get": Operation(_get, ("userid", "ids")),
    "list": Operation(_list, ("userid",), ("theme", "after", "limit")),
    "update": Operation(_update, ("userid", "id"), ("summary",), ("metadata", "expires_at")),
    "forget": Operation(_forget, ("userid",), ("theme", "chatid"), ("ids",)),
}
