"""LangGraph's state in the database of the chat: a checkpointer, over either transport.

Needs the extra `langgraph`: pip install "stchat[langgraph]".
"""

from stchat.langgraph.saver import DataApiSaver

__all__ = ["DataApiSaver"]
