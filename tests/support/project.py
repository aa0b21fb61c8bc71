"""Migrations of a test, and runners over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stchat.data_api import DataApi
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load

ALONE = "-- stchat: non-transactional\n"


@dataclass(frozen=True)
class Project:
    """The files of one database, `api`'s."""

    api: DataApi
    directory: Path

    def write(self, *texts: str) -> Project:
        """The texts as files 0001_x.sql and so on; what was there before is gone."""
        folder = self.directory / self.api.database
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for number, text in enumerate(texts, start=1):
            (folder / f"{number:04}_x.sql").write_text(text)
        return self

    def runner(self, deploy: str = "test", *, lease_seconds: float = 90, client: Any = None) -> Runner:
        api = replace(self.api, client=client or self.api.client)
        return Runner(api, load(self.directory).migrations, self.directory, deploy, lease_seconds)

    def path(self, number: int) -> str:
        return f"sql/{self.api.database}/{number:04}_x.sql"

    def column(self, sql: str) -> list[object]:
        return [next(iter(row.values())) for row in self.api.execute(sql).rows]

    def ledger(self, *columns: str) -> list[dict[str, object]]:
        return self.api.execute(f"SELECT {', '.join(columns)} FROM schema_migrations ORDER BY version").rows
