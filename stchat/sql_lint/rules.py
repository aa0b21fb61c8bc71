"""What a statement may not do in a migration: judged on PostgreSQL's own syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stchat.schema.migration import Target
from stchat.schema.non_transactional import KINDS
from stchat.sql_lint.grammar import Node, body_of, inner, kind, strings

_REFUSED = {
    "transaction_stmt": "the transaction is the runner's: leave BEGIN, COMMIT, ROLLBACK and savepoints out",
    "copy_stmt": "COPY does not go through the Data API: write INSERT",
    "dropdb_stmt": "dropping a database is no migration: drop it by hand",
    "alter_system_stmt": "Aurora does not take ALTER SYSTEM: set it in a parameter group",
    "create_table_space_stmt": "Aurora has one tablespace: leave it out",
    "drop_table_space_stmt": "Aurora has one tablespace: leave it out",
    "discard_stmt": "DISCARD clears a session, which a migration does not keep: leave it out",
    "create_subscription_stmt": "a subscription copies rows for as long as it is there: create it by hand",
    "alter_subscription_stmt": "a subscription copies rows for as long as it is there: alter it by hand",
    "drop_subscription_stmt": "a subscription copies rows for as long as it is there: drop it by hand",
    "listen_stmt": "LISTEN needs a session, which a migration does not keep: leave it out",
    "unlisten_stmt": "UNLISTEN needs a session, which a migration does not keep: leave it out",
    "prepare_stmt": "a prepared statement needs a session, which a migration does not keep: write the statement itself",
    "execute_stmt": "a prepared statement needs a session, which a migration does not keep: write the statement itself",
    "declare_cursor_stmt": "a cursor needs a session, which a migration does not keep: write a DO block",
    "fetch_stmt": "a cursor needs a session, which a migration does not keep: write a DO block",
    "close_portal_stmt": "a cursor needs a session, which a migration does not keep: write a DO block",
    "load_stmt": "Aurora loads no library of yours: leave LOAD out",
}
_ROLE = ("role", "session_authorization")
_READ_ONLY = ("transaction_read_only", "default_transaction_read_only", "TRANSACTION", "SESSION CHARACTERISTICS")
_ENDS = (
    "{} in {} ends a transaction that is the runner's: leave it out, or split the work into statements of a file with"
    " the line `-- stchat: non-transactional`"
)


class Rules:
    """Of one file; `procedures` of all files: those whose bodies end a transaction."""

    def __init__(self, *, transactional: bool, procedures: set[str]) -> None:
        self.transactional = transactional
        self.procedures = procedures
        self._role: int | None = None

    def left_on(self) -> int | None:
        """The index of the SET ROLE that no later statement of the file takes back."""
        return self._role

    def refusal(self, index: int, node: Node, statement: str, target: Target | None) -> str | None:
        """Why this statement cannot be run, and what to do; None if it can."""
        what = kind(node)
        self._roles(index, what, inner(node))
        return (
            _REFUSED.get(what)
            or _never(what, inner(node))
            or self._ends(what, inner(node), statement)
            or self._mode(what, target)
        )

    def _roles(self, index: int, what: str, node: Any) -> None:
        """A role that is set is the one that writes the ledger, too."""
        if what != "variable_set_stmt" or node.name not in _ROLE:
            return
        value = inner(node.args[0]).sval.sval if node.args else ""
        self._role = index if node.args and value not in ("none", "default") else None

    def _ends(self, what: str, node: Any, statement: str) -> str | None:
        if what == "do_stmt":
            return _ENDS.format(end, "DO") if (end := _end(statement)) else None
        if what == "create_function_stmt" and node.is_procedure and _end(statement):
            self.procedures.add(strings(node.funcname)[-1])
        if what == "call_stmt" and strings(node.funccall.funcname)[-1] in self.procedures:
            return _ENDS.format("COMMIT or ROLLBACK", "CALL")
        return None

    def _mode(self, what: str, target: Target | None) -> str | None:
        form = KINDS.get(target.action) if target else None
        if form is None:
            lost = what == "variable_set_stmt" and not self.transactional
            return "a SET is lost with its call here: leave it out, or make the file transactional" if lost else None
        if self.transactional:
            return "cannot run in a transaction: begin the file with the line `-- stchat: non-transactional`"
        if target and not target.name:
            return "give the index a name: by it a deploy finds the index again after a break"
        return None


def _never(what: str, node: Any) -> str | None:
    """What runs in no transaction, and leaves nothing that shows afterwards whether it has run."""
    match what:
        case "vacuum_stmt" if node.is_vacuumcmd:
            return "VACUUM is autovacuum's work: leave it out, or run it by hand"
        case "reindex_stmt" if _reindexes_alone(node):
            return "REINDEX that can run in no transaction is no migration: create a new index and drop the old one"
        case "alter_table_stmt" if any(inner(c).HasField("def") and _concurrent(c) for c in node.cmds):
            return "DETACH PARTITION cannot be CONCURRENTLY in a migration: leave CONCURRENTLY out"
        case "cluster_stmt" if not node.HasField("relation"):
            return "CLUSTER of every table can run in no transaction: name the table"
        case "alter_database_stmt" if any(inner(option).defname == "tablespace" for option in node.options):
            return "Aurora has one tablespace: leave it out"
        case "drop_stmt" if node.concurrent and len(node.objects) != 1:
            return "DROP INDEX CONCURRENTLY takes one index: write a statement for each"
        case "rule_stmt" if len(node.actions) > 1:
            return "the Data API takes the semicolon between two actions of a rule for the end: write two rules"
        case "variable_set_stmt" if node.name in _READ_ONLY and "read_only" in str(node):
            return "a transaction that only reads cannot record that it is done: leave it out"
    return None


def _reindexes_alone(node: Any) -> bool:
    return node.kind not in (1, 2) or any(inner(option).defname == "concurrently" for option in node.params)


def _concurrent(command: Any) -> bool:
    return bool(getattr(inner(getattr(inner(command), "def")), "concurrent", False))


def _end(statement: str) -> str | None:
    """COMMIT or ROLLBACK, if a PL/pgSQL body has it."""
    for what, _ in nodes_of(body_of(statement)):
        if what in ("PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"):
            return what.rpartition("_")[2].upper()
    return None


def nodes_of(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every node of a PL/pgSQL body, with its kind."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            yield from found.items()
            waiting += found.values()
