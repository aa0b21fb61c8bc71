"""LangChain's vector store over the memories of the chat.

Needs the extra `langchain`: pip install "stchat[langchain]".
"""

from stchat.langchain.vector_store import DataApiVectorStore

__all__ = ["DataApiVectorStore"]
