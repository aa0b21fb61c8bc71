"""Texts to vectors, by Bedrock. Which texts a model may have read in part is returned with the vectors."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from stchat.chat.vectors import DIMENSIONS, Vector, normalised
from stchat.data_api import Backoff, aws_client, describe_error, retry, translate
from stchat.embedding_models import EmbeddingModel, parse
from stchat.environment import EMBEDDING_MODEL
from stchat.errors import EmbeddingError, EmbeddingUnavailableError, InputError, TransientError

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

log = logging.getLogger(__name__)

TEXTS = 96  # per call
READ_SECONDS = 30.0
RETRYABLE = (408, 429)  # HTTP statuses, besides 5xx
_TOO_LONG = ("input is too long", "expected maxlength")
_NO_MODEL = "STCHAT_EMBEDDING_MODEL must name a model that this region has, got {model}"
# AWS's code, or words of its message.
_HINTS = {
    "on-demand": "this region has the model by an inference profile: STCHAT_EMBEDDING_MODEL=global.cohere.embed-v4:0",
    "model identifier is invalid": _NO_MODEL,
    "ResourceNotFoundException": _NO_MODEL,
    "AccessDeniedException": "the caller's role needs bedrock:InvokeModel on the model, and the account access to it",
}


@dataclass(frozen=True)
class Embedded:
    """A vector of length 1 for each text, in order; `truncated`: the indexes of texts that the model has read, or may
    have read, in part."""

    vectors: list[Vector]
    truncated: list[int]


class Embedder(Protocol):
    """What ChatMemory asks of a model. `dimensions` of each vector; vectors have length 1.

    `model` is the model's name, which the database keeps with each vector: a question's vector is compared with those
    of the same model alone.

    Raises EmbeddingError, and EmbeddingUnavailableError for what is transient, once the timeout is used up.
    """

    @property
    def model(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    def documents(self, texts: Sequence[str]) -> Embedded: ...
    def query(self, text: str) -> Vector: ...
    def with_timeout(self, seconds: float) -> Embedder: ...


@dataclass(frozen=True)
class CohereEmbedder:
    """Cohere Embed v3 or v4. `client`: boto3's `bedrock-runtime`, or None: created when it is first needed, in
    `region`, or in that of `model_id` where it is an ARN. `model_id`: also an inference profile (embedding_models).

    A model reads so many characters of a text, and of those so many tokens: v3 2,048 and 512, which Japanese reaches
    sooner; v4 128K tokens. What comes after that does not count: texts are truncated here, and if the model still
    refuses a call for one of them (truncate NONE), the call is repeated for the beginning of each (END, RIGHT). The
    refusal does not name the text, so all in that call that may have been too long are returned as truncated. A text's
    vector never depends on its neighbours (docs/decisions/0410, 0440).

    An embedding has no side effect, so every transient failure is retried, for `timeout` seconds at most.

    Raises SettingsError where `model_id` names no model that is known.
    """

    client: BedrockRuntimeClient | None = None
    model_id: str = EMBEDDING_MODEL
    timeout: float = 60.0
    region: str | None = None

    def __post_init__(self) -> None:
        parse(self.model_id)

    @property
    def model(self) -> str:
        return self._of.name

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

    @property
    def _of(self) -> EmbeddingModel:
        return parse(self.model_id).model

    def _embed(self, texts: Sequence[str], input_type: str) -> Embedded:
        backoff, most = Backoff(self.timeout), self._of.characters
        read: list[tuple[Vector, bool]] = []
        for batch in _calls([text[:most] for text in texts], self._of.call_characters):
            read += self._read(batch, input_type, backoff)
        truncated = [index for index, text in enumerate(texts) if read[index][1] or len(text) > most]
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
            vectors = self._invoke(texts, input_type, self._of.truncate, backoff)
        long = [len(text) > self._of.surely_read for text in texts]
        return list(zip(vectors, long if any(long) else [True] * len(texts), strict=True))

    def _invoke(self, texts: list[str], input_type: str, truncate: str, backoff: Backoff) -> list[Vector]:
        request = {"texts": texts, "input_type": input_type, "truncate": truncate, **self._of.parameters}
        client = self.client or shared_client(parse(self.model_id).region or self.region)

        def attempt() -> list[Vector]:
            try:
                response = client.invoke_model(
                    modelId=self.model_id,
                    body=json.dumps(request),
                    contentType="application/json",
                    accept="application/json",
                )
                return _vectors(response["body"].read(), len(texts))
            except (ClientError, BotoCoreError) as error:
                raise _translate(error, self.model_id) from error

        return retry(attempt, backoff, lambda error: isinstance(error, EmbeddingUnavailableError), "Bedrock")


def _calls(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    """At most 96 texts a call, and `most` characters; a text is never longer than that."""
    batch: list[str] = []
    left = most
    for text in texts:
        if len(batch) == TEXTS or len(text) > left:
            yield batch
            batch, left = [], most
        batch.append(text)
        left -= len(text)
    if batch:
        yield batch


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


def _translate(error: ClientError | BotoCoreError, model_id: str) -> EmbeddingError:
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
    hint = next((hint for words, hint in _HINTS.items() if words == code or words in message), "")
    shown = hint.format(model=model_id)
    return EmbeddingError(f"{describe_error(error).rstrip('.')}: {shown}" if hint else describe_error(error), code=code)


def _vectors(body: bytes, count: int) -> list[Vector]:
    """`embeddings` is a list, or, where the request named types, lists by type: for v4 both are reported."""
    try:
        response: dict[str, Any] = json.loads(body)
        found = response["embeddings"]
        vectors = [normalised(vector) for vector in (found["float"] if isinstance(found, dict) else found)]
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise EmbeddingError(f"the model's response holds no embedding: {type(error).__name__}: {error}") from error
    if len(vectors) != count:
        raise EmbeddingError(f"the model must return a vector for each text, got {len(vectors)} for {count}")
    return vectors
