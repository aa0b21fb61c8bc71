"""PostgreSQL's own grammar: statements and tokens of a text, in characters.

It is PostgreSQL 18's, which takes everything that 16 does; what 16 does not know fails in the database.
Nodes are libpg_query's protobuf messages; `kind` and `inner` take one out of its wrapper.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from postgast import PgQueryError, parse_plpgsql, scan
from postgast.errors import check_error
from postgast.native import lib
from postgast.pg_query_pb2 import ParseResult, Token

Node = Any  # a message of pg_query_pb2, whose fields differ by kind

_DEPTH = 90  # protobuf decodes 100 levels of nesting; an expression of 50 operators has more
_VARINT, _FIXED_64, _MESSAGE, _FIXED_32 = 0, 1, 2, 5


class GrammarError(ValueError):
    """`offset`: in characters of the text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(" ".join(message.split()))
        self.offset = offset


@dataclass(frozen=True)
class Statement:
    """`start` and `end`: what belongs to it, comments and blanks around it too."""

    node: Node
    start: int
    end: int


@dataclass(frozen=True)
class Lexeme:
    """A token that is no comment: `kind` as PostgreSQL's scanner names it."""

    start: int
    end: int
    kind: str


class Text:
    """A text with its statements and tokens. Raises GrammarError."""

    def __init__(self, text: str) -> None:
        self.text = text
        data = text.encode()
        # Positions come in bytes: those that begin no character, to count them before a position.
        self._inside = [] if text.isascii() else [i for i, byte in enumerate(data) if byte & 0xC0 == 0x80]
        self._newlines = [offset for offset, character in enumerate(text) if character == "\n"]
        try:
            parsed = _parse(data)
            tokens = scan(text).tokens
        except PgQueryError as error:
            raise GrammarError(error.message, max(error.cursorpos - 1, 0)) from None  # in characters, unlike the rest
        names: dict[int, str] = {}
        self.lexemes: list[Lexeme] = []
        self.comments: list[tuple[int, str]] = []
        for token in tokens:
            kind = names.get(token.token) or names.setdefault(token.token, Token.Name(token.token))
            start, end = self._character(token.start), self._character(token.end)
            if kind == "SQL_COMMENT":
                self.comments.append((start, text[start:end]))
            elif kind != "C_COMMENT":
                self.lexemes.append(Lexeme(start, end, kind))
        self.statements = [
            Statement(
                statement.stmt,
                self._character(statement.stmt_location),
                self._character(statement.stmt_location + statement.stmt_len) if statement.stmt_len else len(text),
            )
            for statement in parsed.stmts
        ]

    def lexemes_by_statement(self) -> Iterator[Sequence[Lexeme]]:
        """Of each statement in turn, without the semicolons between them, in one pass."""
        position = 0
        for statement in self.statements:
            while self.lexemes[position].start < statement.start or self.lexemes[position].kind == "ASCII_59":
                position += 1
            begin = position
            while position < len(self.lexemes) and self.lexemes[position].start < statement.end:
                position += 1
            end = position
            while self.lexemes[end - 1].kind == "ASCII_59":
                end -= 1
            yield self.lexemes[begin:end]

    def line_and_column(self, offset: int) -> tuple[int, int]:
        line = bisect_left(self._newlines, offset)
        return line + 1, offset - (self._newlines[line - 1] if line else -1)

    def _character(self, byte: int) -> int:
        return byte - bisect_left(self._inside, byte) if self._inside else byte


def kind(node: Node) -> str:
    """The kind of what is in a node's wrapper, such as `create_stmt`; empty: nothing is."""
    return node.WhichOneof("node") or ""


def inner(node: Node) -> Node:
    return getattr(node, kind(node)) if kind(node) else node


def strings(nodes: Sequence[Node]) -> list[str]:
    """The parts of a name."""
    return [node.string.sval for node in nodes if kind(node) == "string"]


def dotted(name: Node) -> str:
    """Of a DropStmt's object: a name, its parts, or a type or function with its name inside."""
    found = inner(name)
    match kind(name):
        case "string":
            return str(found.sval)
        case "list":
            return ".".join(dotted(item) for item in found.items)
        case "type_name":
            return ".".join(strings(found.names))
        case _:
            return ".".join(strings(found.objname))


def walk(node: Node) -> Iterator[tuple[str, Node]]:
    """Every node below, with its kind: `func_call`, `drop_stmt` and so on."""
    waiting = [node]
    while waiting:
        message = waiting.pop()
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            for child in [value] if hasattr(value, "ListFields") else value:
                if message.DESCRIPTOR.name == "Node":
                    yield field.name, child
                waiting.append(child)


def body_of(statement: str) -> Any:
    """The syntax tree of a PL/pgSQL body as JSON has it; None where the grammar alone cannot read it."""
    try:
        return parse_plpgsql(statement)
    except (PgQueryError, ValueError, RecursionError):
        return None


def _parse(data: bytes) -> ParseResult:
    result = lib.pg_query_parse_protobuf(data)
    try:
        check_error(result)
        tree = ctypes.string_at(result.parse_tree.data, result.parse_tree.len)
    finally:
        lib.pg_query_free_protobuf_parse_result(result)
    try:
        return ParseResult.FromString(tree)
    except DecodeError:
        return ParseResult.FromString(_pruned(tree, ParseResult.DESCRIPTOR, _DEPTH))


def _pruned(data: bytes, descriptor: Any, depth: int) -> bytes:
    """The same tree without what is nested deeper: the operands of an operand of ... an expression."""
    kept, position = bytearray(), 0
    while position < len(data):
        begin = position
        tag, position = _varint(data, position)
        wire = tag & 7
        if wire != _MESSAGE:
            position = _varint(data, position)[1] if wire == _VARINT else position + (8 if wire == _FIXED_64 else 4)
            kept += data[begin:position]
            continue
        length, content = _varint(data, position)
        position = content + length
        message = descriptor.fields_by_number[tag >> 3].message_type
        if message is None:
            kept += data[begin:position]
        elif depth:
            pruned = _pruned(data[content:position], message, depth - 1)
            kept += _as_varint(tag) + _as_varint(len(pruned)) + pruned
    return bytes(kept)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _as_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
