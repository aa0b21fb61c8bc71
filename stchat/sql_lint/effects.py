"""What a statement may cost: rows that go, or a table that is locked while it is rewritten, scanned or indexed.

A list of syntax, for synth, which has no database: it cannot see what a function or a trigger does, nor a size.
`stchat schema check --database` runs the files and looks (probe.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from postgast.pg_query_pb2 import AlterTableType, ConstrType

from stchat.sql_lint import bodies
from stchat.sql_lint.columns import LATER, Type, changes_nothing, fills_rows, type_of
from stchat.sql_lint.grammar import Node, dotted, inner, kind, strings

Cost = tuple[str, str]  # kind of marker, text

_WHOLE = "every row: write WHERE, or `WHERE true` if every row is meant"


class Schema:
    """The tables that the files have made so far, as far as the cost of a change depends on them."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], Type] = {}
        self._domains: set[str] = set()
        self._empty: set[str] = set()

    def next_file(self) -> None:
        """A table is empty while the file that made it runs; afterwards it may be large."""
        self._empty = set()

    def judge(self, node: Node, text: str) -> Iterator[Cost]:
        """`text`: of the statement, whose body has statements of its own."""
        if judge := _STATEMENTS.get(kind(node)):
            yield from judge(self, inner(node))
        if kind(node) == "do_stmt":
            for statement in bodies.statements(text):
                for what, cost in self.judge(statement.stmt, ""):
                    yield what, f"{cost} (in the body of DO)"

    def create(self, node: Any) -> Iterator[Cost]:
        table = node.relation.relname
        self._empty.add(table)
        for element in node.table_elts:
            if kind(element) == "column_def":
                self._types[table, element.column_def.colname] = type_of(element.column_def.type_name)
        yield from ()

    def create_as(self, node: Any) -> Iterator[Cost]:
        self._empty.add(node.into.rel.relname)
        yield from ()

    def domain(self, node: Any) -> Iterator[Cost]:
        if node.constraints:
            self._domains.add(strings(node.domainname)[-1])
        yield from ()

    def index(self, node: Any) -> Iterator[Cost]:
        table = node.relation.relname
        if not node.concurrent and table not in self._empty:
            yield "index", f"this index locks {table} against writes while it is built: build it CONCURRENTLY"

    def alter(self, node: Any) -> Iterator[Cost]:
        table = node.relation.relname
        for command in (inner(command) for command in node.cmds):
            if judge := _COMMANDS.get(AlterTableType.Name(command.subtype)):
                yield from judge(self, table, command)

    def add_column(self, table: str, command: Any) -> Iterator[Cost]:
        column = inner(getattr(command, "def"))
        self._types[table, column.colname] = type_of(column.type_name)
        if table in self._empty:
            return
        if why := fills_rows(column, self._domains):
            yield "rewrite", f"adding {column.colname} with {why} rewrites {table} and locks it: {LATER[why]}"
        for constraint in (inner(constraint) for constraint in column.constraints):
            yield from self._constraint(table, constraint, new=True)

    def add_constraint(self, table: str, command: Any) -> Iterator[Cost]:
        if table not in self._empty:
            yield from self._constraint(table, inner(getattr(command, "def")), new=False)

    def _constraint(self, table: str, constraint: Any, *, new: bool) -> Iterator[Cost]:
        """A foreign key of a `new` column without a default has no row to check."""
        what = ConstrType.Name(constraint.contype)
        if what in ("CONSTR_UNIQUE", "CONSTR_PRIMARY") and not constraint.indexname:
            yield (
                "index",
                f"the index of this constraint locks {table} while it is built:"
                " build it CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX",
            )
        elif what == "CONSTR_EXCLUSION":
            yield "index", f"the index of this EXCLUDE constraint locks {table} while it is built"
        elif what == "CONSTR_CHECK" and not constraint.skip_validation:
            yield (
                "scan",
                f"this CHECK reads all of {table} and locks it: add it NOT VALID, and VALIDATE it in the next file",
            )
        elif what == "CONSTR_FOREIGN" and not constraint.skip_validation and not new:
            yield (
                "scan",
                f"this FOREIGN KEY reads all of {table} and locks it and {constraint.pktable.relname} against writes:"
                " add it NOT VALID, and VALIDATE it in the next file",
            )
        elif what == "CONSTR_NOTNULL" and not new:
            yield from self._not_null(table, strings(constraint.keys)[0])

    def not_null(self, table: str, command: Any) -> Iterator[Cost]:
        if table not in self._empty:
            yield from self._not_null(table, command.name)

    def _not_null(self, table: str, column: str) -> Iterator[Cost]:
        yield (
            "not-null",
            f"SET NOT NULL reads all of {table} and locks it:"
            f" add CHECK ({column} IS NOT NULL) NOT VALID and validate it before",
        )

    def change_type(self, table: str, command: Any) -> Iterator[Cost]:
        column = inner(getattr(command, "def"))
        old, new = self._types.get((table, command.name)), type_of(column.type_name)
        self._types[table, command.name] = new
        given = column.HasField("raw_default")
        if table not in self._empty and (given or not old or not changes_nothing(old, new)):
            yield "rewrite", f"changing the type of {command.name} rewrites {table} and locks it: add a new column"

    def rewrite(self, table: str, command: Any) -> Iterator[Cost]:
        if table not in self._empty:
            what = AlterTableType.Name(command.subtype)
            yield "rewrite", f"{_REWRITES[what]} rewrites {table} and locks it"

    def attach(self, _: str, command: Any) -> Iterator[Cost]:
        part = inner(getattr(command, "def")).name.relname
        if part not in self._empty:
            yield "scan", f"ATTACH PARTITION reads all of {part} and locks it: add a CHECK of its bound before"

    def drop_part(self, table: str, command: Any) -> Iterator[Cost]:
        yield "drop", f"drops {command.name} of {table}"

    def drop(self, node: Any) -> Iterator[Cost]:
        yield "drop", f"drops {', '.join(dotted(name) for name in node.objects)}"

    def drop_other(self, _: Any) -> Iterator[Cost]:
        yield "drop", "drops a role or what it owns"

    def truncate(self, node: Any) -> Iterator[Cost]:
        yield "truncate", f"empties {', '.join(inner(table).relname for table in node.relations)}"

    def delete(self, node: Any) -> Iterator[Cost]:
        if not node.HasField("where_clause") and not node.using_clause and node.relation.relname not in self._empty:
            yield "delete", f"deletes from {node.relation.relname} {_WHOLE}"

    def update(self, node: Any) -> Iterator[Cost]:
        if not node.HasField("where_clause") and not node.from_clause and node.relation.relname not in self._empty:
            yield "update", f"changes in {node.relation.relname} {_WHOLE}"

    def cluster(self, node: Any) -> Iterator[Cost]:
        if node.relation.relname not in self._empty:
            yield "rewrite", f"CLUSTER rewrites {node.relation.relname} and locks it"

    def reindex(self, node: Any) -> Iterator[Cost]:
        if node.relation.relname not in self._empty:
            yield "index", f"REINDEX locks {node.relation.relname} while it is built: build a new index CONCURRENTLY"

    def refresh(self, node: Any) -> Iterator[Cost]:
        if not node.concurrent and not node.skip_data and node.relation.relname not in self._empty:
            yield "rewrite", f"REFRESH rewrites {node.relation.relname} and locks it: refresh it CONCURRENTLY"

    def lock(self, node: Any) -> Iterator[Cost]:
        tables = ", ".join(inner(table).relname for table in node.relations)
        yield "lock", f"locks {tables} to the end of the transaction"

    def alter_domain(self, node: Any) -> Iterator[Cost]:
        if node.subtype == "C" and not inner(getattr(node, "def")).skip_validation:
            name = strings(node.type_name)[-1]
            yield "scan", f"this constraint reads every table that has {name} and locks it: add it NOT VALID"
        elif node.subtype in "XO":
            yield ("drop" if node.subtype == "X" else "scan"), f"changes what {strings(node.type_name)[-1]} takes"


_REWRITES = {
    "AT_SetUnLogged": "SET UNLOGGED",
    "AT_SetLogged": "SET LOGGED",
    "AT_SetTableSpace": "SET TABLESPACE",
    "AT_SetAccessMethod": "SET ACCESS METHOD",
    "AT_SetExpression": "SET EXPRESSION",
}
_STATEMENTS: dict[str, Callable[[Schema, Any], Iterator[Cost]]] = {
    "create_stmt": Schema.create,
    "create_table_as_stmt": Schema.create_as,
    "create_domain_stmt": Schema.domain,
    "index_stmt": Schema.index,
    "alter_table_stmt": Schema.alter,
    "alter_domain_stmt": Schema.alter_domain,
    "drop_stmt": Schema.drop,
    "drop_role_stmt": Schema.drop_other,
    "drop_owned_stmt": Schema.drop_other,
    "truncate_stmt": Schema.truncate,
    "delete_stmt": Schema.delete,
    "update_stmt": Schema.update,
    "cluster_stmt": Schema.cluster,
    "reindex_stmt": Schema.reindex,
    "refresh_mat_view_stmt": Schema.refresh,
    "lock_stmt": Schema.lock,
}
_COMMANDS: dict[str, Callable[[Schema, str, Any], Iterator[Cost]]] = {
    "AT_AddColumn": Schema.add_column,
    "AT_AddConstraint": Schema.add_constraint,
    "AT_SetNotNull": Schema.not_null,
    "AT_AlterColumnType": Schema.change_type,
    "AT_DropColumn": Schema.drop_part,
    "AT_DropConstraint": Schema.drop_part,
    "AT_AttachPartition": Schema.attach,
    **dict.fromkeys(_REWRITES, Schema.rewrite),
}
