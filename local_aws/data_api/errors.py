"""Errors as AWS returns them: a name, a status, a message."""

from __future__ import annotations

from local_aws import service_models

SERVICE = service_models.load("rds-data")

# What AWS returns although its model of the service does not name it.
NOT_IN_THE_MODEL = {
    "InternalFailure": 500,
    "MissingAuthenticationTokenException": 403,
    "SerializationException": 400,
    "ThrottlingException": 400,
    "UnrecognizedClientException": 403,
    "UnknownOperationException": 404,
    "ValidationException": 400,
}
# Bedrock Runtime shares the address (`local_aws.bedrock`), and so its errors may be asked for as faults.
_SHAPES = (*service_models.load("bedrock-runtime").error_shapes, *SERVICE.error_shapes)
STATUSES: dict[str, int] = {
    shape.name: shape.metadata["error"]["httpStatusCode"] for shape in _SHAPES
} | NOT_IN_THE_MODEL


class ApiError(Exception):
    """Becomes the response; `members` are the error shape's other members."""

    def __init__(self, name: str, message: str | None = None, **members: object) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.status = STATUSES[name]
        self.members = members if message is None else {"message": message, **members}


def validation(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def bad_request(message: str) -> ApiError:
    return ApiError("BadRequestException", message)


def database_error(message: str) -> ApiError:
    return ApiError("DatabaseErrorException", message)


def unsupported(message: str) -> ApiError:
    return ApiError("UnsupportedResultException", message)


def unavailable() -> ApiError:
    """The connection to the database broke, or none can be made: it may have run, or not."""
    return ApiError("DatabaseUnavailableException", "The database is unavailable.")
