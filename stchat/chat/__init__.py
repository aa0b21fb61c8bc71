"""A user's chat history and chat memory, and the operations of the chat function."""

from stchat.chat import filters, validation
from stchat.chat.batches import BATCH_ITEMS, BATCH_TURNS, prepare, prepare_turn
from stchat.chat.by_id import MOST_LISTED, UNCHANGED, Unchanged
from stchat.chat.embeddings import CohereEmbedder, Embedded, Embedder, shared_client
from stchat.chat.history import Added, ChatHistory, Theme, Turn
from stchat.chat.http_status import FAILED, TOO_LARGE, Problem, RefusedError, logged, problem
from stchat.chat.memory import ChatMemory, Remembered
from stchat.chat.operations import OPERATIONS, Chat
from stchat.chat.recall import MOST_MEMORIES, Memory, Mode
from stchat.chat.vectors import DIMENSIONS, Vector, normalised, to_text

__all__ = [
    "BATCH_ITEMS",
    "BATCH_TURNS",
    "DIMENSIONS",
    "FAILED",
    "MOST_LISTED",
    "MOST_MEMORIES",
    "OPERATIONS",
    "TOO_LARGE",
    "UNCHANGED",
    "Added",
    "Chat",
    "ChatHistory",
    "ChatMemory",
    "CohereEmbedder",
    "Embedded",
    "Embedder",
    "Memory",
    "Mode",
    "Problem",
    "RefusedError",
    "Remembered",
    "Theme",
    "Turn",
    "Unchanged",
    "Vector",
    "filters",
    "logged",
    "normalised",
    "prepare",
    "prepare_turn",
    "problem",
    "shared_client",
    "to_text",
    "validation",
]
