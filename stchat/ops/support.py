"""How long AWS supports engines and certificate authorities: support.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FILE = Path(__file__).parent / "support.toml"


@dataclass(frozen=True)
class Support:
    """Last days by engine version (a minor, or else its major) and by CA; minors that AWS has retired."""

    engines: Mapping[str, date]
    retired: frozenset[str]
    cas: Mapping[str, date]

    def of_engine(self, version: str) -> date | None:
        return self.engines.get(version) or self.engines.get(version.split(".")[0])


def load() -> Support:
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Support(
        {version: table["ends"] for version, table in content["engine"].items()},
        frozenset(content["retired"]["minors"]),
        {name: table["ends"] for name, table in content["ca"].items()},
    )
