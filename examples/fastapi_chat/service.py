"""The chat over HTTP, on a direct connection to the database: `uvicorn examples.fastapi_chat.service:app`.

Every operation is a POST with a JSON body: a user's words in a URL would be in the access log. It trusts its caller,
who may name any user: put it behind what authenticates users, and take `userid` from that.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from stchat import ChatHistory, ChatMemory, CohereEmbedder, Memory, StchatError, Turn
from stchat.aio import AsyncChatHistory, AsyncChatMemory
from stchat.chat import logged, problem
from stchat.environment import EMBEDDING_MODEL, Variable, days
from stchat.postgres import Postgres, PostgresSettings

log = logging.getLogger("uvicorn.error")
CALL_SECONDS = 50.0  # that a call may wait for a cluster that resumes: a load balancer gives up after 60


@dataclass(frozen=True)
class Chat:
    history: AsyncChatHistory
    memory: AsyncChatMemory


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connects to nothing: the first call does, and a cluster that is paused stays so until then."""
    settings = PostgresSettings.from_environment()
    api = Postgres.from_settings(settings, timeout=CALL_SECONDS)
    reader = Postgres.reader_from_settings(settings, timeout=CALL_SECONDS)
    embedder = CohereEmbedder(model_id=os.environ.get(Variable.EMBEDDING_MODEL, EMBEDDING_MODEL))
    history = ChatHistory(api, days(os.environ, Variable.HISTORY_DAYS))
    memory = ChatMemory(api, embedder, reader, days(os.environ, Variable.MEMORY_DAYS))
    app.state.chat = Chat(AsyncChatHistory(history), AsyncChatMemory(memory))
    yield
    for each in filter(None, (api, reader)):
        each.close()


def chat_of(request: Request) -> Chat:
    found: Chat = request.app.state.chat
    return found


app = FastAPI(title="Chat history and chat memory", lifespan=lifespan)
Connected = Annotated[Chat, Depends(chat_of)]


class Add(BaseModel):
    userid: str
    theme: str
    chatid: int
    userinput: str | None = None
    botresponse: str | None = None


class Turns(BaseModel):
    userid: str
    theme: str | None = None
    limit: int = 50
    before: int | None = None


class Remember(BaseModel):
    userid: str
    theme: str
    chatid: int
    summary: str
    metadata: dict[str, Any] | None = None


class Recall(BaseModel):
    userid: str
    query: str
    k: int = 10
    theme: str | None = None
    metadata: dict[str, Any] | None = None


class Created(BaseModel):
    created: bool


@app.get("/health")
async def health() -> dict[str, str]:
    """Of this process. It asks the database nothing: a check twice a minute would never let a cluster pause."""
    return {"status": "ok"}


@app.post("/add")
async def add(turn: Add, chat: Connected) -> Created:
    return Created(created=await chat.history.add(**turn.model_dump()))


@app.post("/turns")
async def turns(wanted: Turns, chat: Connected) -> list[Turn]:
    return await chat.history.turns(**wanted.model_dump())


@app.post("/remember")
async def remember(memory: Remember, chat: Connected) -> Created:
    return Created(created=await chat.memory.remember(**memory.model_dump()))


@app.post("/recall")
async def recall(wanted: Recall, chat: Connected) -> list[Memory]:
    return await chat.memory.recall(**wanted.model_dump())


@app.exception_handler(StchatError)
async def failed(request: Request, error: Exception) -> JSONResponse:
    """The chat function's statuses; the log has an error's class and codes, and no text, which may quote a user's."""
    assert isinstance(error, StchatError)
    found = problem(error)
    log.log(logging.ERROR if found.status == 500 else logging.INFO, "%s: %s", request.url.path, logged(error))
    retry = {} if found.retry_after is None else {"Retry-After": str(found.retry_after)}
    return JSONResponse(found.body, found.status, retry)
