"""LangGraph's state in the database of the chat: a checkpointer and a store, over either transport.

Needs the extra `langgraph`: pip install "stchat[langgraph]".
"""

from stchat.langgraph.saver import DataApiSaver
from stchat.langgraph.store import DataApiStore

__all__ = ["DataApiSaver", "DataApiStore"]
