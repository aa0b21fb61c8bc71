"""Types and new columns: what PostgreSQL changes in the catalog alone, and what it writes into every row."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from postgast.pg_query_pb2 import ConstrType

from stchat.sql_lint.grammar import inner, kind, strings, walk

Type = tuple[str, tuple[int, ...]]  # name, modifiers

_SERIAL = ("serial", "serial2", "serial4", "serial8", "smallserial", "bigserial")
# Not volatile in pg_proc, so that PostgreSQL takes the value once for all old rows. One that is not here may be.
_ONCE = {"now", "transaction_timestamp", "statement_timestamp", "current_setting", "current_database", "timezone"}
_ONCE |= {
    "date_trunc",
    "date_part",
    "make_interval",
    "make_date",
    "to_timestamp",
    "to_date",
    "to_char",
    "lower",
    "upper",
    "concat",
}
_ONCE |= {
    "md5",
    "sha256",
    "length",
    "abs",
    "round",
    "floor",
    "ceil",
    "jsonb_build_object",
    "jsonb_build_array",
    "to_jsonb",
}

# What to do instead, by the reason of `fills_rows`.
LATER = {
    "a volatile default": "add it without, SET DEFAULT, and fill old rows in steps",
    "a generated value": "add a plain column, and fill it by a trigger and in steps",
    "an identity": "add a bigint, fill it in steps, then make it an identity",
    "a serial": "add a bigint, fill it in steps, then SET DEFAULT nextval",
    "a domain that has constraints": "add it with the domain's type and a CHECK NOT VALID",
}


def type_of(name: Any) -> Type:
    modifiers = (inner(constant).ival.ival for constant in name.typmods if kind(constant) == "a_const")
    return strings(name.names)[-1], tuple(modifiers)


def changes_nothing(old: Type, new: Type) -> bool:
    """Whether PostgreSQL changes the type without a rewrite: text to text, or only a wider limit."""
    (was, had), (becomes, has) = old, new
    if {was, becomes} <= {"text", "varchar"}:
        return not has or (bool(had) and has[0] >= had[0])
    if was == becomes == "numeric":
        return not has or (len(had) == len(has) == 2 and has[0] >= had[0] and has[1] == had[1])
    return old == new


def fills_rows(column: Any, domains: Collection[str]) -> str | None:
    """Why a new column is written into every row that is there; None: it is not."""
    name = strings(column.type_name.names)[-1]
    if name in _SERIAL:
        return "a serial"
    if name in domains:
        return "a domain that has constraints"
    for constraint in (inner(constraint) for constraint in column.constraints):
        match ConstrType.Name(constraint.contype):
            case "CONSTR_IDENTITY":
                return "an identity"
            case "CONSTR_GENERATED" if constraint.generated_kind != "v":
                return "a generated value"
            case "CONSTR_DEFAULT" if _volatile(constraint):
                return "a volatile default"
    return None


def _volatile(constraint: Any) -> bool:
    return any(what == "func_call" and strings(node.funcname)[-1] not in _ONCE for what, node in walk(constraint))
