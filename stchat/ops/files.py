"""Errors of files and folders that an operator names, as one line each: the path, what is there, and a hint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stchat.errors import SettingsError

# The class of the error -> what is there instead of a file that can be used, and what to do.
_FOUND: Mapping[type[OSError], tuple[str, str]] = {
    FileNotFoundError: ("no such file", "check the path, a relative one begins at {here}"),
    NotADirectoryError: ("a file in the place of a folder above it", "check the path"),
    IsADirectoryError: ("a folder", "name a file in it"),
    PermissionError: ("one that this user may not use", "check the permissions, also of the folders above it: ls -ld"),
}


def read_json(file: Path, hint: str) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{file} must be JSON in UTF-8, got {type(error).__name__} ({error}): {hint}") from error


def describe(error: OSError) -> str:
    """An error without a path, such as of a full disk, in the system's own words."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return reason
    path = error.filename.decode(errors="replace") if isinstance(error.filename, bytes) else f"{error.filename}"
    found = next((found for kind, found in _FOUND.items() if isinstance(error, kind)), None)
    got = f"{found[0]}: {found[1].format(here=Path.cwd())}" if found else reason
    return f"{path} must be a file that can be used, got {got}"
