from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stchat.errors import FileError
from stchat.schema.migration import Migration, digest

TEXT = "-- why\nSELECT 1;\n\nSELECT\n  2;\n"
MIGRATION = Migration("app", "0001_x.sql", digest(TEXT), True, ((7, 15), (18, 28)))
PROPERTY = f"app/0001_x.sql sha256:{digest(TEXT)} transactional 7-15,18-28"


def test_property_there_and_back() -> None:
    assert MIGRATION.to_property() == PROPERTY
    assert Migration.from_property(PROPERTY) == MIGRATION
    alone = replace(MIGRATION, transactional=False)
    assert Migration.from_property(alone.to_property()) == alone


@pytest.mark.parametrize("value", ["", "app/0001_x.sql", PROPERTY + ",", PROPERTY.replace("app", "../app")])
def test_property_refused(value: str) -> None:
    with pytest.raises(FileError) as raised:
        Migration.from_property(value)
    assert str(raised.value) == f"not a migration as the app writes it, got {value!r}: deploy with `cdk deploy`"


def test_read(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "0001_x.sql").write_text(TEXT)
    script = MIGRATION.read(tmp_path)
    assert [(statement.text, statement.line) for statement in script.statements] == [
        ("SELECT 1", 2),
        ("SELECT\n  2", 4),
    ]
    assert script.location(1) == "sql/app/0001_x.sql:4"
    assert script.location(1, position=10) == "sql/app/0001_x.sql:5"


def test_read_refuses_other_line_ends(tmp_path: Path) -> None:
    """The checksum is the same, the spans would be wrong."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "0001_x.sql").write_bytes(TEXT.replace("\n", " \r\n").encode())
    with pytest.raises(FileError) as raised:
        MIGRATION.read(tmp_path)
    assert str(raised.value) == (
        "sql/app/0001_x.sql: has other blanks or line ends than the file of the deploy: deploy again"
    )


def test_read_refuses_another_text(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"^sql/app/0001_x.sql: not in the package beside the code: deploy again$"):
        MIGRATION.read(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "0001_x.sql").write_text("SELECT 2;\n")
    got, asked = digest("SELECT 2;\n")[:12], digest(TEXT)[:12]
    with pytest.raises(FileError) as raised:
        MIGRATION.read(tmp_path)
    assert str(raised.value) == f"sql/app/0001_x.sql: has checksum {got}, not the {asked} of the deploy: deploy again"
