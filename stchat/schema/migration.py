"""A migration file once it has been parsed, and how that travels to where it runs.

Splitting SQL takes PostgreSQL's own grammar, which the Lambda does not carry. So the file is split when the app is
synthesized, and the spans travel as one string per file in the custom resource's properties, with the names of the
objects that its statements make. The text itself lies beside the code and runs as it is, byte for byte; its checksum
in that string shows whether it is the text that was split.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from stchat.errors import FileError

Span = tuple[int, int]

_MODES = {"transactional": True, "non-transactional": False}
_PROPERTY = re.compile(
    r"(?P<database>\w+)/(?P<name>\d{4}_\w+\.sql) sha256:(?P<checksum>[0-9a-f]{64})(?: raw:(?P<raw>[0-9a-f]{64}))?"
    rf" (?P<mode>{'|'.join(_MODES)}) (?P<spans>\d+-\d+(?:,\d+-\d+)*)(?: (?P<targets>\{{.*\}}))?"
)


def normalise(text: str) -> str:
    """The text that the checksum is of: no byte order mark, `\\n` alone, no blanks at the end of a line or file."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n") + "\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def decode(data: bytes, path: str) -> str:
    """Every character of the file, line ends too. Raises FileError."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: must be UTF-8, got {error}") from None


def quoted(*names: str) -> str:
    """A name as SQL has it, of as many parts as are not empty."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)


@dataclass(frozen=True)
class Target:
    """What one statement makes or drops, as PostgreSQL's grammar reads it.

    `action`: an action of non_transactional.KINDS, or `create index` for one that runs in a transaction.
    `schema`: of the table, or of an index that is dropped; empty: found by the search_path.
    `conditional`: IF EXISTS or IF NOT EXISTS. `rest`: where in the statement the text after the table's name begins.
    """

    action: str
    name: str = ""
    schema: str = ""
    table: str = ""
    conditional: bool = False
    unique: bool = False
    rest: int = 0

    def to_property(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_property(cls, values: Mapping[str, object]) -> Target:
        types = {member.name: type(getattr(cls, member.name, "")) for member in fields(cls)}
        if "action" not in values or any(type(value) is not types.get(name) for name, value in values.items()):
            raise ValueError
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Migration:
    """`checksum`: of the normalised text. `raw`: of the text as it is, where that is another one.

    `spans`: where its statements begin and end, in characters of the text as it is. `targets`: by statement.
    """

    database: str
    name: str
    checksum: str
    transactional: bool
    spans: tuple[Span, ...]
    targets: Mapping[int, Target] = field(default_factory=dict)
    raw: str = ""

    @property
    def version(self) -> int:
        return int(self.name[:4])

    @property
    def path(self) -> str:
        return f"sql/{self.database}/{self.name}"

    def to_property(self) -> str:
        mode = next(mode for mode, transactional in _MODES.items() if transactional == self.transactional)
        raw = f" raw:{self.raw}" if self.raw else ""
        spans = ",".join(f"{start}-{end}" for start, end in self.spans)
        targets = {str(index): target.to_property() for index, target in self.targets.items()}
        more = " " + json.dumps(targets, separators=(",", ":")) if targets else ""
        return f"{self.database}/{self.name} sha256:{self.checksum}{raw} {mode} {spans}{more}"

    @classmethod
    def from_property(cls, value: str) -> Migration:
        try:
            found = _PROPERTY.fullmatch(value)
            if not found:
                raise ValueError
            parsed = json.loads(found["targets"] or "{}")
            targets = {int(index): Target.from_property(target) for index, target in parsed.items()}
        except (ValueError, AttributeError):
            raise FileError(f"not a migration as the app writes it, got {value!r}: deploy with `cdk deploy`") from None
        spans = tuple((int(start), int(end)) for start, end in re.findall(r"(\d+)-(\d+)", found["spans"]))
        return cls(
            found["database"],
            found["name"],
            found["checksum"],
            _MODES[found["mode"]],
            spans,
            targets,
            found["raw"] or "",
        )

    def read(self, directory: Path) -> Script:
        """Its statements, from `directory`/database/name; the text must be the one that was split."""
        try:
            text = decode((directory / self.database / self.name).read_bytes(), self.path)
        except FileNotFoundError:
            raise FileError(f"{self.path}: not in the package beside the code: deploy again") from None
        normal = normalise(text)
        if (got := digest(normal)) != self.checksum:
            raise FileError(
                f"{self.path}: has checksum {got[:12]}, not the {self.checksum[:12]} of the deploy: deploy again"
            )
        if (digest(text) if text != normal else "") != self.raw:
            raise FileError(f"{self.path}: has other blanks or line ends than the file of the deploy: deploy again")
        return Script(self, tuple(self._statements(text)))

    def _statements(self, text: str) -> list[Statement]:
        """In one pass over the text, however many there are."""
        statements, line, before = [], 1, 0
        for index, (start, end) in enumerate(self.spans):
            line += text.count("\n", before, start)
            before = start
            statements.append(Statement(text[start:end], line, self.targets.get(index)))
        return statements


@dataclass(frozen=True)
class Statement:
    """`line`: where it begins in its file, from 1."""

    text: str
    line: int
    target: Target | None = None


@dataclass(frozen=True)
class Script:
    migration: Migration
    statements: Sequence[Statement]

    def location(self, index: int, position: int | None = None) -> str:
        """`sql/<database>/<file>:<line>` of a statement, or of a `position` in it, from 1."""
        statement = self.statements[index]
        return f"{self.migration.path}:{statement.line + statement.text.count(chr(10), 0, (position or 1) - 1)}"

    def done(self, count: int) -> str:
        """What identifies the first `count` statements. Of their normalised texts, as the checksum is."""
        return digest("\0".join(normalise(statement.text)[:-1] for statement in self.statements[:count]))
