"""What is known of a migration file once it has been parsed, and how that travels to where it runs.

Splitting SQL takes PostgreSQL's own grammar, which the Lambda does not carry. So the file is cut when the app is
synthesized, and the cuts travel as one string a file in the custom resource's properties. The text itself lies beside
the code; its checksum in that string says whether it is the text that was cut.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stchat.errors import FileError

Span = tuple[int, int]

_MODES = {"transactional": True, "non-transactional": False}
_PROPERTY = re.compile(
    r"(?P<database>\w+)/(?P<name>\d{4}_\w+\.sql) sha256:(?P<checksum>[0-9a-f]{64})"
    rf" (?P<mode>{'|'.join(_MODES)}) (?P<spans>\d+-\d+(?:,\d+-\d+)*)"
)


def normalise(text: str) -> str:
    """The text that is checked and run: no byte order mark, `\\n` alone, no blanks at the end of a line or file."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n") + "\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Migration:
    """`spans`: where its statements begin and end, in characters of the normalised text."""

    database: str
    name: str
    checksum: str
    transactional: bool
    spans: tuple[Span, ...]

    @property
    def version(self) -> int:
        return int(self.name[:4])

    @property
    def path(self) -> str:
        return f"sql/{self.database}/{self.name}"

    def to_property(self) -> str:
        mode = next(mode for mode, transactional in _MODES.items() if transactional == self.transactional)
        spans = ",".join(f"{start}-{end}" for start, end in self.spans)
        return f"{self.database}/{self.name} sha256:{self.checksum} {mode} {spans}"

    @classmethod
    def from_property(cls, value: str) -> Migration:
        found = _PROPERTY.fullmatch(value)
        if not found:
            raise FileError(f"not a migration as the app writes it, got {value!r}: deploy with `cdk deploy`")
        spans = tuple((int(start), int(end)) for start, end in re.findall(r"(\d+)-(\d+)", found["spans"]))
        return cls(found["database"], found["name"], found["checksum"], _MODES[found["mode"]], spans)

    def read(self, directory: Path) -> Script:
        """Its statements, from `directory`/database/name; the text must be the one that was cut."""
        file = directory / self.database / self.name
        try:
            text = normalise(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FileError(f"{self.path}: not in the package beside the code: deploy again") from None
        if (got := digest(text)) != self.checksum:
            raise FileError(
                f"{self.path}: has checksum {got[:12]}, not the {self.checksum[:12]} of the deploy: deploy again"
            )
        return Script(self, tuple(Statement(text[a:b], 1 + text.count("\n", 0, a)) for a, b in self.spans))


@dataclass(frozen=True)
class Statement:
    """`line`: where it begins in its file, from 1."""

    text: str
    line: int


@dataclass(frozen=True)
class Script:
    migration: Migration
    statements: Sequence[Statement]

    def place(self, index: int, position: int | None = None) -> str:
        """`sql/<database>/<file>:<line>` of a statement, or of a `position` in it, from 1."""
        statement = self.statements[index]
        return f"{self.migration.path}:{statement.line + statement.text.count(chr(10), 0, (position or 1) - 1)}"

    def done(self, count: int) -> str:
        """What identifies the first `count` statements."""
        return digest("\0".join(statement.text for statement in self.statements[:count]))
