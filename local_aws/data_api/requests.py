"""The requests of the operations, one dataclass for each of botocore's structures: `model` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SqlParameter:
    """`value` is a Field: its only member and that member's value."""

    name: str | None = None
    value: dict[str, Any] | None = None
    type_hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class ResultSetOptions:
    decimal_return_type: str | None = None
    long_return_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What every request has."""

    resource_arn: str
    secret_arn: str


@dataclass(frozen=True, kw_only=True)
class BeginTransactionRequest(Request):
    database: str | None = None
    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class StatementRequest(BeginTransactionRequest):
    """What ExecuteStatement and BatchExecuteStatement share."""

    sql: str
    transaction_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExecuteStatementRequest(StatementRequest):
    parameters: tuple[SqlParameter, ...] = ()
    include_result_metadata: bool = False
    continue_after_timeout: bool = False
    result_set_options: ResultSetOptions = ResultSetOptions()
    format_records_as: str | None = None

    @property
    def as_json(self) -> bool:
        return self.format_records_as == "JSON"


@dataclass(frozen=True, kw_only=True)
class BatchExecuteStatementRequest(StatementRequest):
    parameter_sets: tuple[tuple[SqlParameter, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class EndTransactionRequest(Request):
    transaction_id: str


class CommitTransactionRequest(EndTransactionRequest):
    pass


class RollbackTransactionRequest(EndTransactionRequest):
    pass


STRUCTURES: dict[str, type] = {
    structure.__name__: structure
    for structure in (
        SqlParameter,
        ResultSetOptions,
        BeginTransactionRequest,
        ExecuteStatementRequest,
        BatchExecuteStatementRequest,
        CommitTransactionRequest,
        RollbackTransactionRequest,
    )
}
