"""The Data API as the environment names it."""

from __future__ import annotations

from stchat.data_api import DataApi
from stchat.environment import Settings, database_of


def connect(database: str | None = None) -> DataApi:
    api = DataApi.from_settings(Settings.from_environment())
    return api.with_database(database_of(database, "--database")) if database else api
