"""Chat history and chat memory in Aurora PostgreSQL with pgvector, over the RDS Data API.

    from stchat import ChatHistory, ChatMemory, DataApi

Everything of `__all__` is imported as it is first used, so that a Lambda function's package may have a part of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stchat.chat.history import ChatHistory
    from stchat.chat.memory import ChatMemory
    from stchat.data_api import DataApi
    from stchat.environment import ApplicationSettings
    from stchat.errors import (
        ConflictError,
        DataApiError,
        DatabaseError,
        EmbeddingError,
        EmbeddingUnavailableError,
        InputError,
        MigrationError,
        OutcomeUnknownError,
        PartialError,
        ResultTooLargeError,
        SettingsError,
        StatementTimeoutError,
        StchatError,
        TransactionLostError,
        TransientError,
        UnavailableError,
    )

__all__ = [
    "ApplicationSettings",
    "ChatHistory",
    "ChatMemory",
    "ConflictError",
    "DataApi",
    "DataApiError",
    "DatabaseError",
    "EmbeddingError",
    "EmbeddingUnavailableError",
    "InputError",
    "MigrationError",
    "OutcomeUnknownError",
    "PartialError",
    "ResultTooLargeError",
    "SettingsError",
    "StatementTimeoutError",
    "StchatError",
    "TransactionLostError",
    "TransientError",
    "UnavailableError",
]

_MODULES = {
    "ApplicationSettings": "environment",
    "ChatHistory": "chat.history",
    "ChatMemory": "chat.memory",
    "DataApi": "data_api",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
