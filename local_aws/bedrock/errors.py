"""Bedrock Runtime's errors, with its own statuses."""

from __future__ import annotations

from local_aws import service_models
from local_aws.data_api.errors import ApiError

SERVICE = service_models.load("bedrock-runtime")
STATUSES: dict[str, int] = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in SERVICE.error_shapes}


class BedrockError(ApiError):
    """Of a name that Bedrock's model has; any other, as a fault rule may say it, is an InternalServerException."""

    def __init__(self, name: str, message: str | None = None) -> None:
        returned = name if name in STATUSES else "InternalServerException"
        super().__init__(returned, message)
        self.status = STATUSES[returned]


def malformed(*violations: str) -> BedrockError:
    """Bedrock's error for a body that breaks a model's schema: every violation, one after the other."""
    listed = f": {'#'.join(['', *violations])}" if violations else ""
    return BedrockError(
        "ValidationException", f"Malformed input request{listed}, please reformat your input and try again."
    )
