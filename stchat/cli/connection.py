"""The Data API as the environment names it."""

from __future__ import annotations

from stchat.data_api import DataApi, client
from stchat.settings import Settings


def connect(database: str | None = None) -> DataApi:
    settings = Settings.from_environment()
    return DataApi(client(), settings.cluster_arn, settings.secret_arn, database or settings.database)
