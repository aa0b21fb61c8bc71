"""Chat history and chat memory in Aurora PostgreSQL, over the RDS Data API.

What is exported here is what an application needs. It is imported when it is first used, since each Lambda function
carries only the packages that it runs.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036 (a checkout is not installed by pip, which would report it)
    raise ImportError("stchat needs Python 3.11 or later, this is Python {}.{}".format(*sys.version_info[:2]))

if TYPE_CHECKING:
    from stchat.chat import Added, ChatHistory, ChatMemory, CohereEmbedder, Embedder, Memory, Remembered, Theme, Turn
    from stchat.data_api import DataApi
    from stchat.errors import (
        ConflictError,
        DataApiError,
        DatabaseError,
        EmbeddingError,
        EmbeddingUnavailableError,
        InputError,
        OutcomeUnknownError,
        PartialError,
        SettingsError,
        StchatError,
        TransientError,
        UnavailableError,
    )

__all__ = [
    "Added",
    "ChatHistory",
    "ChatMemory",
    "CohereEmbedder",
    "ConflictError",
    "DataApi",
    "DataApiError",
    "DatabaseError",
    "Embedder",
    "EmbeddingError",
    "EmbeddingUnavailableError",
    "InputError",
    "Memory",
    "OutcomeUnknownError",
    "PartialError",
    "Remembered",
    "SettingsError",
    "StchatError",
    "Theme",
    "TransientError",
    "Turn",
    "UnavailableError",
]

_CHAT = ("Added", "ChatHistory", "ChatMemory", "CohereEmbedder", "Embedder", "Memory", "Remembered", "Theme", "Turn")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'stchat' has no attribute {name!r}")
    module = "chat" if name in _CHAT else "data_api" if name == "DataApi" else "errors"
    return getattr(import_module(f"stchat.{module}"), name)
