"""The splitter against PostgreSQL itself, which runs a whole text at once and reports the statements it saw."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from stchat.sql_lint.parse import load
from tests.support.data_api_endpoint import Endpoint

TEXT = r"""
-- a comment; with a semicolon ' and a quote
CREATE TABLE "a;b" (größe text DEFAULT 'it''s; $$' /* ; /* nested ; */ ; */);
INSERT INTO "a;b" VALUES (E'\'; SELECT 1; --'), (U&'d\0061t;'), ($tag$ $$;$$ ; $ta$ $tag$), ('𝄞;'),
    ('two '
     'parts;');
DO $do$ BEGIN PERFORM $in$;$in$; IF true THEN NULL; END IF; END $do$;
CREATE FUNCTION one() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;
CREATE PROCEDURE p() LANGUAGE plpgsql AS $été$ BEGIN NULL; END; $été$;;
SELECT count(*), one() FROM "a;b" -- the end
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "0001_x.sql").write_text(TEXT)
    return tmp_path


def outcomes(connection: psycopg.Connection, sql: str) -> list[tuple[str | None, list[tuple[object, ...]]]]:
    """Command tag and rows of every statement that PostgreSQL found in the text."""
    cursor = connection.execute(sql.encode())
    found = [(cursor.statusmessage, cursor.fetchall() if cursor.description else [])]
    while cursor.nextset():
        found.append((cursor.statusmessage, cursor.fetchall() if cursor.description else []))
    return found


def test_pieces_do_what_the_text_does(endpoint: Endpoint, database: str, directory: Path) -> None:
    (migration,) = load(directory).migrations
    with endpoint.psql(database) as connection, connection.transaction(force_rollback=True):
        whole = outcomes(connection, TEXT)
    with endpoint.psql(database) as connection, connection.transaction(force_rollback=True):
        pieces = [outcomes(connection, piece.text) for piece in migration.read(directory).statements]
    assert [len(piece) for piece in pieces] == [1] * 6
    assert [outcome for piece in pieces for outcome in piece] == whole
