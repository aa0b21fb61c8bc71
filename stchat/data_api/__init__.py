"""The RDS Data API's client: statements, transactions, values, errors, retries and pages."""

from stchat.data_api.aws_client import CONNECT_SECONDS, aws_client
from stchat.data_api.aws_errors import describe_error, error_name
from stchat.data_api.client import (
    READ_SECONDS,
    STATEMENT_SECONDS,
    DataApi,
    Transaction,
    rds_data_client,
)
from stchat.data_api.database import Database, Result, Statements
from stchat.data_api.error_mapping import translate
from stchat.data_api.paging import joined, query
from stchat.data_api.retry import STOPPED, Backoff, retry, retry_call
from stchat.data_api.scram import verifier
from stchat.data_api.values import Row, to_json

__all__ = [
    "CONNECT_SECONDS",
    "READ_SECONDS",
    "STATEMENT_SECONDS",
    "STOPPED",
    "Backoff",
    "DataApi",
    "Database",
    "Result",
    "Row",
    "Statements",
    "Transaction",
    "aws_client",
    "describe_error",
    "error_name",
    "joined",
    "query",
    "rds_data_client",
    "retry",
    "retry_call",
    "to_json",
    "translate",
    "verifier",
]
