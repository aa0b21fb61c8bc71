"""The files under sql/, read with PostgreSQL's own grammar: checked, split into statements, and judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from stchat.errors import FileError
from stchat.schema.folder import files
from stchat.schema.migration import Migration, Target, decode, digest, normalise
from stchat.sql_lint.effects import Schema
from stchat.sql_lint.grammar import GrammarError, Text
from stchat.sql_lint.markers import Markers
from stchat.sql_lint.placeholders import corrupted
from stchat.sql_lint.rules import Rules
from stchat.sql_lint.targets import target_of

STATEMENT_CHARACTERS = 65_536  # the Data API's limit


@dataclass(frozen=True)
class Files:
    """Every migration in the order in which they run; `warnings` begin with `<file>:<line>:<column>: `.

    `allowed`: by path, the kinds of cost that a file allows.
    """

    migrations: tuple[Migration, ...]
    warnings: tuple[str, ...]
    allowed: dict[str, frozenset[str]]


def load(directory: Path, *, strict: bool = False) -> Files:
    """`strict`: what would be a warning is an error, unless the file allows it. Raises FileError."""
    migrations: list[Migration] = []
    warnings: list[str] = []
    allowed: dict[str, frozenset[str]] = {}
    schemas: dict[str, Schema] = {}
    procedures: set[str] = set()
    for database, file in files(directory):
        parsed = _File(database, file)
        migrations.append(parsed.migration(procedures))
        warnings += parsed.warnings(schemas.setdefault(database, Schema()))
        allowed[parsed.path] = parsed.markers.allowed
    if strict and warnings:
        raise FileError("\n".join(warnings))
    return Files(tuple(migrations), tuple(warnings), allowed)


class _File:
    def __init__(self, database: str, file: Path) -> None:
        self.database, self.name = database, file.name
        self.path = f"sql/{database}/{file.name}"
        self.text = decode(file.read_bytes(), self.path)
        if "\0" in self.text:
            raise FileError(f"{self.path}: has a zero byte, which PostgreSQL takes in no text: leave it out")
        try:
            # A byte order mark is no SQL; a blank keeps every position as it is.
            self.parsed = Text(" " + self.text[1:] if self.text.startswith("\ufeff") else self.text)
        except GrammarError as error:
            psql = self.text[error.offset : error.offset + 1] == "\\"
            hint = "a command of psql, which PostgreSQL does not know: write it in SQL"
            line = self.text.count("\n", 0, error.offset) + 1
            column = error.offset - self.text.rfind("\n", 0, error.offset)
            raise FileError(f"{self.path}:{line}:{column}: {hint if psql else error}") from None
        try:
            self.markers = Markers.read(self.parsed.comments)
        except Markers.UnknownError as error:
            self._refuse(error.offset, str(error))
        if not self.parsed.statements:
            self._refuse(0, "has no statement: delete the file, or write one")
        self.lexemes = list(self.parsed.lexemes_by_statement())
        # Without comments and blanks around them.
        self.spans = [(lexemes[0].start, lexemes[-1].end) for lexemes in self.lexemes]

    def migration(self, procedures: set[str]) -> Migration:
        rules = Rules(transactional=self.markers.transactional, procedures=procedures)
        targets: dict[int, Target] = {}
        for index, (statement, (start, end)) in enumerate(zip(self.parsed.statements, self.spans, strict=True)):
            text, lexemes = self.text[start:end], self.lexemes[index]
            if len(text) > STATEMENT_CHARACTERS:
                self._refuse(start, f"{len(text):,} characters, the Data API takes {STATEMENT_CHARACTERS:,}: split it")
            target = target_of(statement.node, lexemes)
            if why := rules.refusal(index, statement.node, text, target):
                self._refuse(start, why)
            if target:
                targets[index] = target
            if found := corrupted(self.text, (start, end), [(one.start, one.end, one.kind) for one in lexemes]):
                self._refuse(*found)
        if (left_on := rules.left_on()) is not None:
            self._refuse(
                self.spans[left_on][0],
                "the role that is set would record the migration, and may not: add RESET ROLE after its statements",
            )
        normal = normalise(self.text)
        raw = digest(self.text) if normal != self.text else ""
        return Migration(
            self.database, self.name, digest(normal), self.markers.transactional, tuple(self.spans), targets, raw
        )

    def warnings(self, schema: Schema) -> list[str]:
        """What the statements may cost, in the schema that the files before this one have made."""
        schema.next_file()
        return [
            f"{self._place(start)}: {what}; if it is meant, write `-- stchat: allow {kind}: <why>`"
            for start, kind, what in self._costs(schema)
            if kind not in self.markers.allowed
        ]

    def _costs(self, schema: Schema) -> Iterator[tuple[int, str, str]]:
        for statement, (start, end) in zip(self.parsed.statements, self.spans, strict=True):
            for kind, what in schema.judge(statement.node, self.text[start:end]):
                yield start, kind, what

    def _place(self, offset: int) -> str:
        line, column = self.parsed.line_and_column(offset)
        return f"{self.path}:{line}:{column}"

    def _refuse(self, offset: int, why: str) -> NoReturn:
        raise FileError(f"{self._place(offset)}: {why}")
