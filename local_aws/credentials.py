"""The access key of one local AWS: random, made at its first start, kept in a file that its owner alone can read."""

from __future__ import annotations

import json
import os
import secrets
import string
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from local_aws.errors import LocalError

FILE = "credentials.json"


@dataclass(frozen=True)
class AccessKey:
    """What requests are signed with. The id is never 12 digits: those ministack takes for an account."""

    id: str
    secret: str = field(repr=False)


def load(directory: Path) -> AccessKey:
    """
    Raises:
        LocalError: there is none, or the file is damaged.
    """
    path = directory / FILE
    try:
        values = json.loads(path.read_text())
        return AccessKey(str(values["access_key_id"]), str(values["secret_access_key"]))
    except FileNotFoundError:
        raise LocalError(f"{path} is missing: `local-aws down`, then `local-aws up` makes a new access key") from None
    except (ValueError, KeyError, TypeError):
        raise LocalError(f"{path} is damaged: `local-aws down`, then `local-aws up` makes a new access key") from None


def load_or_make(directory: Path) -> AccessKey:
    """The key in `directory`; a new one where there is none, or what is there cannot be read."""
    try:
        return load(directory)
    except LocalError:
        key = AccessKey(
            "LOCAL" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(15)), secrets.token_urlsafe(30)
        )
        values = {"access_key_id": key.id, "secret_access_key": key.secret}
        write_private(directory / FILE, json.dumps(values, indent=2) + "\n")
        return key


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
