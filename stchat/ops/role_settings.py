"""The settings that migrations give roles, to compare with those that a cluster has."""

from __future__ import annotations

import re
from pathlib import Path

from stchat.ops.cluster_state import RoleSetting

# `ALTER ROLE role [IN DATABASE database] SET name = value;`, as the files of sql/ write it, at the start of a line.
_SET = re.compile(
    r"^ALTER ROLE (?P<role>\w+)(?: IN DATABASE (?P<database>\w+))? SET (?P<name>[\w.]+) (?:=|TO) (?P<value>[^;]+);",
    re.MULTILINE | re.IGNORECASE,
)


def declared(directory: Path) -> tuple[RoleSetting, ...]:
    """Of all migrations, the last one of each role, database and name."""
    found: dict[tuple[str, str, str], str] = {}
    for file in sorted(directory.glob("*/*.sql")):
        for match in _SET.finditer(file.read_text(encoding="utf-8")):
            found[match["role"], match["database"] or "", match["name"].lower()] = _value(match["value"])
    return tuple(RoleSetting(role, database, f"{name}={value}") for (role, database, name), value in found.items())


def _value(text: str) -> str:
    """A string's content, and what is no string as it is."""
    text = text.strip()
    return text[1:-1].replace("''", "'") if text.startswith("'") and text.endswith("'") else text
