"""What both agents have: the memories, over the Data API, and the model's id."""

from __future__ import annotations

import os
from datetime import timedelta

from stchat.chat import ChatMemory
from stchat.environment import Variable

MEMORY = ChatMemory.from_env()  # once an environment of Lambda's: its clients are kept
MODEL = os.environ.get(Variable.CHAT_MODEL) or None
"""Bedrock's id; None: a script answers."""
THREADS_EXPIRE_AFTER = timedelta(days=30)
INSTRUCTIONS = "Answer in the language of the question, in a few sentences. Use what fits of what the user said before."
