"""Strands' state and memory in the database of the chat, over either transport.

Needs the extra `strands`: pip install "stchat[strands]".
"""

from stchat.strands.memory import ChatMemoryStore
from stchat.strands.storage import StateStorage

__all__ = ["ChatMemoryStore", "StateStorage"]
