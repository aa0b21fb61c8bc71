"""The files under sql/, read with PostgreSQL's own grammar: checked, cut into statements, and judged.

The grammar is PostgreSQL 18's, which takes everything that 16 does; what 16 does not know fails in the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pglast.ast import RawStmt
from pglast.parser import ParseError, Token, parse_sql, scan

from stchat.errors import FileError
from stchat.schema.migration import Migration, digest, normalise
from stchat.sql_lint.effects import Schema
from stchat.sql_lint.markers import Markers
from stchat.sql_lint.placeholders import corrupted
from stchat.sql_lint.rules import refusal

STATEMENT_CHARACTERS = 65_536  # the Data API's limit
_FILE = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_DATABASE = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Files:
    """Every migration in the order in which they run; `warnings` begin with `<file>:<line>:<column>: `."""

    migrations: tuple[Migration, ...]
    warnings: tuple[str, ...]


def load(directory: Path, *, strict: bool = False) -> Files:
    """`strict`: what would be a warning is an error, unless the file says that it means it. Raises FileError."""
    migrations: list[Migration] = []
    warnings: list[str] = []
    for database in _databases(directory):
        schema = Schema()
        for file in _numbered(directory / database):
            parsed = _File(database, file)
            migrations.append(parsed.migration())
            warnings += parsed.warnings(schema)
    if strict and warnings:
        raise FileError("\n".join(warnings))
    return Files(tuple(migrations), tuple(warnings))


def _databases(directory: Path) -> list[str]:
    """`postgres` first, since it is there from the start and makes the others."""
    names = sorted(_visible(directory), key=lambda path: (path.name != "postgres", path.name))
    for path in names:
        if not path.is_dir() or not _DATABASE.fullmatch(path.name):
            raise FileError(f"sql/{path.name}: must be a folder named after a database in a-z, 0-9 and _")
    return [path.name for path in names]


def _numbered(folder: Path) -> Iterator[Path]:
    for expected, file in enumerate(sorted(_visible(folder)), start=1):
        path = f"sql/{folder.name}/{file.name}"
        if not _FILE.fullmatch(file.name):
            raise FileError(f"{path}: name it NNNN_<what>.sql in a-z, 0-9 and _, such as {expected:04}_add_theme.sql")
        if int(file.name[:4]) != expected:
            raise FileError(f"{path}: number {file.name[:4]} comes where {expected:04} must: numbers go on by one")
        yield file


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


class _File:
    def __init__(self, database: str, file: Path) -> None:
        self.database, self.name = database, file.name
        self.path = f"sql/{database}/{file.name}"
        try:
            raw = file.read_bytes().decode().replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise FileError(f"{self.path}: must be UTF-8, got {error}") from None
        self.text = normalise(raw)
        self.trees = self._parse()
        tokens: Sequence[Token] = scan(self.text)
        self._keep_strings(raw)
        self.code = [token for token in tokens if not token.name.endswith("_COMMENT")]
        try:
            self.markers = Markers.read(
                (token.start, self.text[token.start : token.end + 1]) for token in tokens if token.name == "SQL_COMMENT"
            )
        except Markers.UnknownError as error:
            self._refuse(error.offset, str(error))
        self.spans = [self._span(tree) for tree in self.trees]
        if not self.spans:
            self._refuse(0, "has no statement: delete the file, or write one")

    def migration(self) -> Migration:
        for tree, (start, end) in zip(self.trees, self.spans, strict=True):
            statement = self.text[start:end]
            if len(statement) > STATEMENT_CHARACTERS:
                self._refuse(
                    start,
                    f"{len(statement):,} characters, the Data API takes {STATEMENT_CHARACTERS:,}: split it",
                )
            if why := refusal(tree.stmt, statement, transactional=self.markers.transactional):
                self._refuse(start, why)
            inside = [token for token in self.code if start <= token.start < end]
            if found := corrupted(self.text, (start, end), [(t.start, t.end + 1, t.name) for t in inside]):
                self._refuse(*found)
        return Migration(self.database, self.name, digest(self.text), self.markers.transactional, tuple(self.spans))

    def warnings(self, schema: Schema) -> list[str]:
        """What the statements may cost, in the schema that the files before this one have made."""
        schema.next_file()
        found = [
            (start, kind, what)
            for tree, (start, _) in zip(self.trees, self.spans, strict=True)
            for kind, what in schema.judge(tree.stmt)
        ]
        return [
            f"{self._place(start)}: {what}; if it is meant, say `-- stchat: allow {kind}: <why>`"
            for start, kind, what in found
            if kind not in self.markers.allowed
        ]

    def _parse(self) -> Sequence[RawStmt]:
        try:
            return parse_sql(self.text)
        except ParseError as error:
            message, offset = error.args
            offset = len(self.text.rstrip()) if offset is None else offset
            if self.text[offset : offset + 1] == "\\":
                message = "a command of psql, which PostgreSQL does not know: write it in SQL"
            self._refuse(offset, " ".join(message.split()))

    def _span(self, tree: RawStmt) -> tuple[int, int]:
        """Without comments and blanks around it."""
        begin = tree.stmt_location or 0
        limit = begin + (tree.stmt_len or len(self.text))
        own = [token for token in self.code if begin <= token.start < limit and token.name != "ASCII_59"]
        return own[0].start, own[-1].end + 1

    def _keep_strings(self, raw: str) -> None:
        """A normalised text must not have lost blanks that a string's value has."""
        for token in scan(raw):
            value = raw[token.start : token.end + 1]
            if token.name == "SCONST" and not value.startswith("$") and (lost := re.search(r"[ \t]+\n", value)):
                offset = token.start + lost.start()
                line, column = raw.count("\n", 0, offset) + 1, offset - raw.rfind("\n", 0, offset)
                raise FileError(f"{self.path}:{line}:{column}: blanks at the end of a line in a string: write || ' '")

    def _place(self, offset: int) -> str:
        return f"{self.path}:{self.text.count(chr(10), 0, offset) + 1}:{offset - self.text.rfind(chr(10), 0, offset)}"

    def _refuse(self, offset: int, why: str) -> NoReturn:
        raise FileError(f"{self._place(offset)}: {why}")
