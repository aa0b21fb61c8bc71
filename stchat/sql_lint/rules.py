"""What a statement may not do in a migration: judged on PostgreSQL's own syntax tree.

The nodes are pglast's; they are told apart by their class's name, so that this module needs no pglast.
"""

from __future__ import annotations

from typing import Any

from stchat.schema.non_transactional import KINDS, recognise

_REFUSED = {
    "TransactionStmt": "the transaction is the runner's: leave BEGIN, COMMIT, ROLLBACK and savepoints out",
    "CopyStmt": "COPY does not go through the Data API: write INSERT",
    "DropdbStmt": "dropping a database is no migration: drop it by hand",
    "AlterSystemStmt": "ALTER SYSTEM is not Aurora's way: set it in a parameter group",
    "CreateTableSpaceStmt": "Aurora has one tablespace: leave it out",
}

_REINDEX = ("REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE")


def refusal(node: Any, statement: str, *, transactional: bool) -> str | None:
    """Why this statement cannot be run, and what to do; None if it can."""
    kind = type(node).__name__
    if why := _REFUSED.get(kind):
        return why
    if why := _never(kind, node):
        return why
    names = _alone(kind, node)
    if names is None:
        lost = kind == "VariableSetStmt" and not transactional
        return "a SET is lost with its call here: leave it out, or make the file transactional" if lost else None
    if transactional:
        return "cannot run in a transaction: begin the file with the line `-- stchat: non-transactional`"
    found = recognise(statement)
    if not found or {k: v.lower() for k, v in found[1].items()} != names:
        return f"write it as {KINDS[kind].form}, with names in a-z, 0-9 and _"
    return None


def _never(kind: str, node: Any) -> str | None:
    """What runs in no transaction, and of which nobody could tell afterwards whether it has run."""
    if kind == "VacuumStmt" and node.is_vacuumcmd:
        return "VACUUM is autovacuum's work: leave it out, or run it by hand"
    if kind == "ReindexStmt" and (
        node.kind.name not in _REINDEX or any(o.defname == "concurrently" for o in node.params or ())
    ):
        return "REINDEX that can run in no transaction is no migration: create a new index and drop the old one"
    if kind == "AlterTableStmt" and any(getattr(command.def_, "concurrent", False) for command in node.cmds):
        return "DETACH PARTITION cannot be CONCURRENTLY in a migration: leave CONCURRENTLY out"
    return None


def _alone(kind: str, node: Any) -> dict[str, str] | None:
    """The names in a statement that runs in no transaction; None for any other."""
    if kind == "CreatedbStmt":
        return {"name": node.dbname}
    if kind == "IndexStmt" and node.concurrent:
        return {"name": node.idxname or "", "table": _relation(node.relation)}
    if kind == "DropStmt" and node.concurrent:
        return {"name": " ".join(".".join(part.sval for part in name) for name in node.objects)}
    return None


def _relation(relation: Any) -> str:
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)
