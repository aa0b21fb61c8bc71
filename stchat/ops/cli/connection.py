"""The Data API as the environment names it."""

from __future__ import annotations

from stchat.data_api import DataApi, rds_data_client
from stchat.environment import Settings


def connect(database: str | None = None) -> DataApi:
    settings = Settings.from_environment()
    return DataApi(rds_data_client(), settings.cluster_arn, settings.secret_arn, database or settings.database)
