from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

WriteSql = Callable[..., Path]


@pytest.fixture
def write_sql(tmp_path: Path) -> WriteSql:
    """Writes texts as sql/app/0001_x.sql and so on, and answers the folder sql/."""

    def write(*texts: str | bytes) -> Path:
        folder = tmp_path / "sql" / "app"
        folder.mkdir(parents=True)
        for number, text in enumerate(texts, start=1):
            (folder / f"{number:04}_x.sql").write_bytes(text.encode() if isinstance(text, str) else text)
        return folder.parent

    return write
