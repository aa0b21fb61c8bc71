"""What a statement may cost: data that goes, or a table that is locked while it is rewritten, scanned or indexed.

Judged on pglast's nodes, told apart by the names of their classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Cost = tuple[str, str]  # kind of marker, text
Type = tuple[str, tuple[int, ...]]  # name, modifiers


class Schema:
    """The tables that the files have made so far, as far as the cost of a change depends on them."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], Type] = {}
        self._empty: set[str] = set()

    def next_file(self) -> None:
        """A table is empty while the file that made it runs; afterwards it may be large."""
        self._empty = set()

    def judge(self, node: Any) -> Iterator[Cost]:
        if judge := _STATEMENTS.get(type(node).__name__):
            yield from judge(self, node)

    def create(self, node: Any) -> Iterator[Cost]:
        table = node.relation.relname
        self._empty.add(table)
        for element in node.tableElts or ():
            if type(element).__name__ == "ColumnDef":
                self._types[table, element.colname] = _type(element.typeName)
        yield from ()

    def create_as(self, node: Any) -> Iterator[Cost]:
        self._empty.add(node.into.rel.relname)
        yield from ()

    def index(self, node: Any) -> Iterator[Cost]:
        table = node.relation.relname
        if not node.concurrent and table not in self._empty:
            yield "index", f"this index locks {table} against writes while it is built: build it CONCURRENTLY"

    def alter(self, node: Any) -> Iterator[Cost]:
        table = node.relation.relname
        for command in node.cmds:
            if judge := _COMMANDS.get(command.subtype.name):
                yield from judge(self, table, command)

    def add_column(self, table: str, command: Any) -> Iterator[Cost]:
        self._types[table, command.def_.colname] = _type(command.def_.typeName)
        yield from ()

    def add_constraint(self, table: str, command: Any) -> Iterator[Cost]:
        builds = command.def_.contype.name in ("CONSTR_UNIQUE", "CONSTR_PRIMARY") and not command.def_.indexname
        if builds and table not in self._empty:
            yield (
                "index",
                f"the index of this constraint locks {table} while it is built:"
                " build it CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX",
            )

    def not_null(self, table: str, command: Any) -> Iterator[Cost]:
        if table not in self._empty:
            yield (
                "not-null",
                f"SET NOT NULL reads all of {table} and locks it:"
                f" add CHECK ({command.name} IS NOT NULL) NOT VALID and validate it before",
            )

    def change_type(self, table: str, command: Any) -> Iterator[Cost]:
        old, new = self._types.get((table, command.name)), _type(command.def_.typeName)
        self._types[table, command.name] = new
        if table not in self._empty and (command.def_.raw_default or not old or not _keeps(old, new)):
            yield (
                "rewrite",
                f"changing the type of {command.name} rewrites {table} and locks it: add a new column",
            )

    def drop_part(self, table: str, command: Any) -> Iterator[Cost]:
        yield "drop", f"drops {command.name} of {table}"

    def drop(self, node: Any) -> Iterator[Cost]:
        names = (_dotted(name) for name in node.objects)
        yield "drop", f"drops {', '.join(names)}"

    def drop_other(self, _: Any) -> Iterator[Cost]:
        yield "drop", "drops a role or what it owns"

    def truncate(self, node: Any) -> Iterator[Cost]:
        yield "truncate", f"empties {', '.join(table.relname for table in node.relations)}"


_STATEMENTS: dict[str, Callable[[Schema, Any], Iterator[Cost]]] = {
    "CreateStmt": Schema.create,
    "CreateTableAsStmt": Schema.create_as,
    "IndexStmt": Schema.index,
    "AlterTableStmt": Schema.alter,
    "DropStmt": Schema.drop,
    "DropRoleStmt": Schema.drop_other,
    "DropOwnedStmt": Schema.drop_other,
    "TruncateStmt": Schema.truncate,
}
_COMMANDS: dict[str, Callable[[Schema, str, Any], Iterator[Cost]]] = {
    "AT_AddColumn": Schema.add_column,
    "AT_AddConstraint": Schema.add_constraint,
    "AT_SetNotNull": Schema.not_null,
    "AT_AlterColumnType": Schema.change_type,
    "AT_DropColumn": Schema.drop_part,
    "AT_DropConstraint": Schema.drop_part,
}


def _dotted(name: Any) -> str:
    """Of a DropStmt's object: a name, its parts, or a type or function with its name inside."""
    inner = getattr(name, "names", None) or getattr(name, "objname", None) or name
    parts = inner if isinstance(inner, tuple) else (inner,)
    return ".".join(part.sval if hasattr(part, "sval") else _dotted(part) for part in parts)


def _type(name: Any) -> Type:
    modifiers = (getattr(getattr(constant, "val", None), "ival", None) for constant in name.typmods or ())
    return name.names[-1].sval, tuple(value for value in modifiers if value is not None)


def _keeps(old: Type, new: Type) -> bool:
    """Whether PostgreSQL changes the type without a rewrite: text to text, or only a wider limit."""
    (was, had), (becomes, has) = old, new
    if {was, becomes} <= {"text", "varchar"}:
        return not has or (bool(had) and has[0] >= had[0])
    if was == becomes == "numeric":
        return not has or (len(had) == len(has) == 2 and has[0] >= had[0] and has[1] == had[1])
    return old == new
