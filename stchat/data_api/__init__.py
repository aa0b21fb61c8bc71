"""The RDS Data API's client: statements, transactions, values, errors, retries and pages."""

from stchat.data_api.client import DataApi, Result, Transaction, rds_data_client

__all__ = ["DataApi", "Result", "Transaction", "rds_data_client"]
