"""Texts to vectors, by Bedrock. Which texts a model may have read in part is returned with the vectors."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat.vectors import DIMENSIONS, Vector, normalised
from stchat.data_api import Backoff, aws_client, describe_error, retry, translate
from stchat.environment import EMBEDDING_MODEL
from stchat.errors import EmbeddingError, EmbeddingUnavailableError, InputError, TransientError

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

log = logging.getLogger(__name__)

TEXTS = 96  # per call
CHARACTERS = 2_048  # of a text
SURELY_READ = 500  # characters taken as no more than 512 tokens in any language
READ_SECONDS = 30.0
RETRYABLE = (408, 429)  # HTTP statuses, besides 5xx
_TOO_LONG = ("input is too long", "expected maxlength")
_HINTS = {
    "AccessDeniedException": "the caller's role needs bedrock:InvokeModel on the model, and the account access to it",
    "ResourceNotFoundException": "STCHAT_EMBEDDING_MODEL must name a model that this region has",
}


@dataclass(frozen=True)
class Embedded:
    """A vector of length 1 for each text, in order; `truncated`: the indexes of texts that the model has read, or may
    have read, in part."""

    vectors: list[Vector]
    truncated: list[int]


class Embedder(Protocol):
    """What ChatMemory asks of a model. `dimensions` of each vector; vectors have length 1.

    Raises EmbeddingError, and EmbeddingUnavailableError for what is transient, once the timeout is used up.
    """

    @property
    def dimensions(self) -> int: ...
    def documents(self, texts: Sequence[str]) -> Embedded: ...
    def query(self, text: str) -> Vector: ...
    def with_timeout(self, seconds: float) -> Embedder: ...


@dataclass(frozen=True)
class CohereEmbedder:
    """Cohere Embed v3. `client`: boto3's `bedrock-runtime`, or None: created when it is first needed, in `region`.

    The model reads 2,048 characters of a text, and of those 512 tokens, which Japanese reaches sooner. What comes after
    that does not count: texts are truncated to 2,048 characters here, and if the model still refuses a call for one of
    them (truncate NONE), the call is repeated for the first 512 tokens of each (truncate END). The refusal does not
    name the text, so all in that call that have over 500 characters are returned as truncated. A text's vector never
    depends on its neighbours (docs/decisions/0410).

    An embedding has no side effect, so every transient failure is retried, for `timeout` seconds at most.
    """

    client: BedrockRuntimeClient | None = None
    model_id: str = EMBEDDING_MODEL
    timeout: float = 60.0
    region: str | None = None

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    def with_timeout(self, seconds: float) -> CohereEmbedder:
        return replace(self, timeout=seconds)

    def documents(self, texts: Sequence[str]) -> Embedded:
        """Vectors to store, for any number of texts, 96 per call. Truncated texts are logged (how many) and returned.

        Raises:
            EmbeddingUnavailableError: throttled, failing or unreachable for longer than `timeout`.
            EmbeddingError: refused, or the response holds no embedding.
        """
        return self._embed(texts, "search_document")

    def query(self, text: str) -> Vector:
        """The vector to search with; raises as `documents` does."""
        [vector] = self._embed([text], "search_query").vectors
        return vector

    def _embed(self, texts: Sequence[str], input_type: str) -> Embedded:
        backoff = Backoff(self.timeout)
        read: list[tuple[Vector, bool]] = []
        for start in range(0, len(texts), TEXTS):
            batch = [text[:CHARACTERS] for text in texts[start : start + TEXTS]]
            read += self._read(batch, input_type, backoff)
        truncated = [index for index, text in enumerate(texts) if read[index][1] or len(text) > CHARACTERS]
        if truncated:
            log.warning(
                "%s may have read %d of %d texts in part: they are long", self.model_id, len(truncated), len(texts)
            )
        return Embedded([vector for vector, _ in read], truncated)

    def _read(self, texts: list[str], input_type: str, backoff: Backoff) -> list[tuple[Vector, bool]]:
        """Each vector, and whether its text may have been read in part."""
        try:
            return [(vector, False) for vector in self._invoke(texts, input_type, "NONE", backoff)]
        except _TooLongError:
            vectors = self._invoke(texts, input_type, "END", backoff)
        long = [len(text) > SURELY_READ for text in texts]
        return list(zip(vectors, long if any(long) else [True] * len(texts), strict=True))

    def _invoke(self, texts: list[str], input_type: str, truncate: str, backoff: Backoff) -> list[Vector]:
        body = json.dumps({"texts": texts, "input_type": input_type, "truncate": truncate})
        client = self.client or shared_client(self.region)

        def attempt() -> list[Vector]:
            try:
                response = client.invoke_model(
                    modelId=self.model_id, body=body, contentType="application/json", accept="application/json"
                )
                return _vectors(response["body"].read(), len(texts))
            except (ClientError, BotoCoreError) as error:
                raise _translate(error) from error

        return retry(attempt, backoff, lambda error: isinstance(error, EmbeddingUnavailableError), "Bedrock")


class _TooLongError(EmbeddingError):
    pass


def bedrock_runtime_client(region: str | None = None, *, read_seconds: float = READ_SECONDS) -> BedrockRuntimeClient:
    """`read_seconds`: how long one call may take."""
    return cast("BedrockRuntimeClient", aws_client("bedrock-runtime", region, read_seconds=read_seconds))


def shared_client(region: str | None = None) -> BedrockRuntimeClient:
    """One for the process and region, created when it is first needed."""
    with _CREATING:
        return _shared(region)


_CREATING = threading.Lock()
_shared = cache(bedrock_runtime_client)


def _translate(error: ClientError | BotoCoreError) -> EmbeddingError:
    if not isinstance(error, ClientError):
        translated = translate(error)
        kind = EmbeddingUnavailableError if isinstance(translated, TransientError) else EmbeddingError
        return kind(str(translated), code=translated.code)
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if any(words in message.lower() for words in _TOO_LONG):
        return _TooLongError(f"{code}: {message}", code=code)
    if status in RETRYABLE or status >= 500:
        return EmbeddingUnavailableError(f"{code}: {message}", code=code)
    hint = f": {_HINTS[code]}" if code in _HINTS else ""
    return EmbeddingError(f"{describe_error(error)}{hint}", code=code)


def _vectors(body: bytes, count: int) -> list[Vector]:
    """`embeddings` is a list; where the request named types, which this does not, lists by type."""
    try:
        response: dict[str, Any] = json.loads(body)
        found = response["embeddings"]
        vectors = [normalised(vector) for vector in (found["float"] if isinstance(found, dict) else found)]
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise EmbeddingError(f"the model's response holds no embedding: {type(error).__name__}: {error}") from error
    if len(vectors) != count:
        raise EmbeddingError(f"the model must return a vector for each text, got {len(vectors)} for {count}")
    return vectors
