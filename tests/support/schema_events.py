"""The events of the schema's custom resource, and the secrets that they name."""

from __future__ import annotations

import json
from typing import Any

from stchat.handlers import schema
from stchat.sql_lint.parse import load

FILES = load(schema.SQL).migrations


ROLES = ("st_chat_app", "st_chat_read")


class Secrets:
    """Secrets Manager as far as it is asked."""

    def __init__(self, passwords: dict[str, str]) -> None:
        self.passwords = passwords

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        role = SecretId.rpartition(":")[2]
        login = {"username": role, "password": self.passwords[role], "host": "h"}
        return {"VersionId": f"version of {self.passwords[role]}", "SecretString": json.dumps(login)}


def event(
    kind: str, *migrations: str, roles: tuple[str, ...] = ROLES, index: str = "true", request: str = "7f3c"
) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": request,
        "StackId": "arn:aws:cloudformation:ap-northeast-1:123456789012:stack/StChatDevSchema/1b2c",
        "ResourceProperties": {
            "ServiceToken": "arn",
            "Migrations": dict(migration.split(" ", 1) for migration in migrations),
            "Roles": [f"{role}=arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:{role}" for role in roles],
            "GlobalHnswIndex": {"st_chat_db": index},
        },
    }


EVERYTHING = [file.to_property() for file in FILES]
