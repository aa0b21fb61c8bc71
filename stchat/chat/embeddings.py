"""Texts to vectors, by Bedrock. What a model can read of a text, and what was cut off, is told with its vectors."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat.vectors import DIMENSIONS, Vector, normalised
from stchat.data_api.client import CONNECTIONS, MAKING
from stchat.data_api.error_mapping import translate
from stchat.data_api.retry import Backoff
from stchat.environment import EMBEDDING_MODEL
from stchat.errors import EmbeddingError, EmbeddingUnavailableError, InputError, TransientError

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

log = logging.getLogger(__name__)

TEXTS = 96  # a call
CHARACTERS = 2_048  # a text
SURELY_READ = 500  # characters taken as no more than 512 tokens in any language
READ_SECONDS = 30
AGAIN = (408, 429)  # HTTP statuses that pass by themselves, besides 5xx
_TOO_LONG = ("input is too long", "expected maxlength")
_HINTS = {
    "AccessDeniedException": "the caller's role needs bedrock:InvokeModel on the model, and the account access to it",
    "ResourceNotFoundException": "STCHAT_EMBEDDING_MODEL must name a model that this region has",
}


@dataclass(frozen=True)
class Embedded:
    """A vector of length 1 for each text, in order; `cut`: the places, from 0, of texts that were, or may
    have been, read in part."""

    vectors: list[Vector]
    cut: list[int]


class Embedder(Protocol):
    """What ChatMemory asks of a model. `dimensions` of each vector; vectors have length 1.

    Raises EmbeddingError, and EmbeddingUnavailableError for what may pass, once `within`'s seconds are over.
    """

    @property
    def dimensions(self) -> int: ...
    def documents(self, texts: Sequence[str]) -> Embedded: ...
    def query(self, text: str) -> Vector: ...
    def with_timeout(self, seconds: float) -> Embedder: ...


@dataclass(frozen=True)
class CohereEmbedder:
    """Cohere Embed v3. `client`: boto3's `bedrock-runtime`, or None: made when it is first needed.

    The model reads 2,048 characters of a text, and of those 512 tokens, which Japanese reaches sooner. What comes after
    that does not count: texts are cut to 2,048 characters here, and if the model still refuses a call for one of them
    (truncate NONE), the call is repeated for the first 512 tokens of each (truncate END). The refusal does not name the
    text, so all in that call that have over 500 characters are told as cut. A text's vector never depends on its
    neighbours (docs/decisions/0410).

    An embedding has no side effect, so every failure that may pass is tried again, for `timeout` seconds at most.
    """

    client: BedrockRuntimeClient | None = None
    model_id: str = EMBEDDING_MODEL
    timeout: float = 60.0

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    def with_timeout(self, seconds: float) -> CohereEmbedder:
        return replace(self, timeout=seconds)

    def documents(self, texts: Sequence[str]) -> Embedded:
        """Vectors to store, for any number of texts, 96 a call. A cut is logged and told.

        Raises:
            EmbeddingUnavailableError: throttled, failing or unreachable for longer than `timeout`.
            EmbeddingError: refused, or answered with what is no embedding.
        """
        return self._embed(texts, "search_document")

    def query(self, text: str) -> Vector:
        """The vector to search with; raises as `documents` does."""
        [vector] = self._embed([text], "search_query").vectors
        return vector

    def _embed(self, texts: Sequence[str], input_type: str) -> Embedded:
        tries = Backoff(self.timeout)
        read: list[tuple[Vector, bool]] = []
        for start in range(0, len(texts), TEXTS):
            batch = [text[:CHARACTERS] for text in texts[start : start + TEXTS]]
            read += self._read(batch, input_type, tries)
        cut = [place for place, text in enumerate(texts) if read[place][1] or len(text) > CHARACTERS]
        if cut:
            log.warning("%s may have read %d of %d texts in part: they are long", self.model_id, len(cut), len(texts))
        return Embedded([vector for vector, _ in read], cut)

    def _read(self, texts: list[str], input_type: str, tries: Backoff) -> list[tuple[Vector, bool]]:
        """Each vector, and whether its text may have been read in part."""
        try:
            return [(vector, False) for vector in self._invoke(texts, input_type, "NONE", tries)]
        except _TooLongError:
            vectors = self._invoke(texts, input_type, "END", tries)
        long = [len(text) > SURELY_READ for text in texts]
        return list(zip(vectors, long if any(long) else [True] * len(texts), strict=True))

    def _invoke(self, texts: list[str], input_type: str, truncate: str, tries: Backoff) -> list[Vector]:
        body = json.dumps({"texts": texts, "input_type": input_type, "truncate": truncate})
        client = self.client or shared_client()
        while True:
            try:
                answer = client.invoke_model(
                    modelId=self.model_id, body=body, contentType="application/json", accept="application/json"
                )
                return _vectors(answer["body"].read(), len(texts))
            except (ClientError, BotoCoreError) as error:
                fault = _translate(error)
                if not isinstance(fault, EmbeddingUnavailableError) or tries.are_over:
                    raise fault from error
                log.info("waiting for Bedrock, %.0f s so far: %s", tries.waited, fault)
            tries.pause()


class _TooLongError(EmbeddingError):
    pass


def shared_client() -> BedrockRuntimeClient:
    """One for the process, made when it is first needed."""
    with MAKING:
        return _made()


def bedrock_runtime_client(read_seconds: float) -> BedrockRuntimeClient:
    """One for a caller who has less time than READ_SECONDS for a call."""
    with MAKING:
        return _new(read_seconds)


@cache
def _made() -> BedrockRuntimeClient:
    return _new(READ_SECONDS)


def _new(read_seconds: float) -> BedrockRuntimeClient:
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=read_seconds,
        max_pool_connections=CONNECTIONS,
    )
    return boto3.client("bedrock-runtime", config=config)


def _translate(error: ClientError | BotoCoreError) -> EmbeddingError:
    if not isinstance(error, ClientError):
        passes = isinstance(translate(error), TransientError)
        kind = EmbeddingUnavailableError if passes else EmbeddingError
        return kind(str(error), code=type(error).__name__)
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if any(words in message.lower() for words in _TOO_LONG):
        return _TooLongError(f"{code}: {message}", code=code)
    if status in AGAIN or status >= 500:
        return EmbeddingUnavailableError(f"{code}: {message}", code=code)
    return EmbeddingError(": ".join(filter(None, [code, message, _HINTS.get(code)])), code=code)


def _vectors(body: bytes, count: int) -> list[Vector]:
    """`embeddings` is a list, or a list by type where the request named types (which this does not)."""
    try:
        answer: dict[str, Any] = json.loads(body)
        found = answer["embeddings"]
        vectors = [normalised(vector) for vector in (found["float"] if isinstance(found, dict) else found)]
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise EmbeddingError(f"the model answered what is no embedding: {type(error).__name__}: {error}") from error
    if len(vectors) != count:
        raise EmbeddingError(f"the model must answer a vector for each text, got {len(vectors)} for {count}")
    return vectors
