"""What a secret must hold, and the error that AWS returns where it does not."""

from __future__ import annotations

import json

from local_aws.data_api.errors import ApiError


def parse_secret(text: str | None) -> tuple[str, str]:
    """The user and the password in a secret's JSON.

    Raises:
        ApiError: InvalidSecretException, which never repeats what the secret holds.
    """
    try:
        values = json.loads(text or "")
        user, password = values["username"], values["password"]
    except (ValueError, TypeError, KeyError):
        raise _invalid() from None
    if not isinstance(user, str) or not isinstance(password, str):
        raise _invalid()
    return user, password


def secret_not_found() -> ApiError:
    return ApiError("SecretsErrorException", "Secrets Manager can't find the specified secret.")


def _invalid() -> ApiError:
    return ApiError("InvalidSecretException", "The secret must be a JSON object with a username and a password.")
