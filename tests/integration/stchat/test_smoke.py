"""stchat smoke: passes on the project's own SQL, names what is wrong elsewhere, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from stchat.chat.embeddings import Embedded
from stchat.chat.vectors import Vector
from stchat.data_api import DataApi
from stchat.errors import EmbeddingError
from stchat.ops.cli.main import main
from stchat.ops.smoke import PREFIX, Smoke
from stchat.ops.stand_in_embedder import StandInEmbedder
from tests.support.migrated_database import MigratedDatabase

CHECKS = [
    "answers",
    "has the chat's tables",
    "the application's role has no other privilege",
    "it creates no table",
    "it opens no other database",
    "writes a turn once",
    "reads it back",
    "remembers",
    "recalls the nearest first",
    "shows another user nothing",
    "shows nothing to SQL that names no user",
    "the read role reads the rows of all users and writes none",
    "deletes its rows",
]


class NoAccess(StandInEmbedder):
    def documents(self, texts: Any) -> Embedded:  # noqa: ARG002
        raise EmbeddingError("AccessDeniedException: no access", code="AccessDeniedException")

    def query(self, text: str) -> Vector:  # noqa: ARG002
        raise EmbeddingError("AccessDeniedException: no access", code="AccessDeniedException")


def left(migrated: MigratedDatabase) -> int:
    """Rows of any smoke test, as the superuser sees them."""
    with migrated.endpoint.psql(migrated.master.database) as superuser:
        [[found]] = superuser.execute(
            "SELECT (SELECT count(*) FROM st_chat_history_table WHERE userid LIKE %(it)s)"
            " + (SELECT count(*) FROM st_chat_history_vector_table WHERE userid LIKE %(it)s)",
            {"it": f"{PREFIX}%"},
        ).fetchall()
    return int(found)


@contextmanager
def broken(migrated: MigratedDatabase, by: str, repaired_by: str) -> Iterator[None]:
    with migrated.endpoint.psql(migrated.master.database) as superuser:
        superuser.execute(by)
        try:
            yield
        finally:
            superuser.execute(repaired_by)


def failures(smoke: Smoke) -> dict[str, str]:
    return {result.check: result.message for result in smoke.run() if not result.ok}


def test_the_projects_sql_passes(migrated: MigratedDatabase) -> None:
    results = Smoke(migrated.app, None, migrated.read).run()
    assert [result.check for result in results] == CHECKS
    assert [result.message for result in results if not result.ok] == []
    assert results[0].message.endswith(", as st_chat_app")
    assert left(migrated) == 0


def test_without_access_to_the_model_it_says_so_and_proves_the_rest(migrated: MigratedDatabase) -> None:
    assert failures(Smoke(migrated.app, NoAccess())) == {
        "embeds": "AccessDeniedException: no access; the other checks use vectors without a model, as --no-embedding"
        " does"
    }
    assert left(migrated) == 0


def test_it_waits_for_a_paused_cluster(migrated: MigratedDatabase) -> None:
    migrated.endpoint.pause()
    assert failures(Smoke(migrated.app, None)) == {}


@pytest.mark.parametrize(
    ("by", "repaired_by", "check", "message"),
    [
        (
            "GRANT CREATE ON SCHEMA public TO st_chat_app",
            "REVOKE CREATE ON SCHEMA public FROM st_chat_app",
            "it creates no table",
            "PostgreSQL must refuse it, but ran it: CREATE TABLE stchat_smoke (id int)",
        ),
        (
            "GRANT TRUNCATE ON st_chat_history_table TO st_chat_app; GRANT SELECT ON schema_migrations TO st_chat_app",
            "REVOKE TRUNCATE ON st_chat_history_table FROM st_chat_app;"
            " REVOKE SELECT ON schema_migrations FROM st_chat_app",
            "the application's role has no other privilege",
            "st_chat_app must not be allowed to: touch the ledger of migrations, empty a table",
        ),
        (
            "GRANT CONNECT ON DATABASE postgres TO st_chat_app",
            "REVOKE CONNECT ON DATABASE postgres FROM st_chat_app;"
            " SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'postgres' AND usename = 'st_chat_app'",
            "it opens no other database",
            "PostgreSQL must refuse it, but ran it: SELECT 1",
        ),
        (
            "ALTER TABLE st_chat_history_table DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE st_chat_history_table ENABLE ROW LEVEL SECURITY",
            "shows nothing to SQL that names no user",
            "row security must hide every row",
        ),
        (
            "GRANT DELETE ON st_chat_history_table TO st_chat_read",
            "REVOKE DELETE ON st_chat_history_table FROM st_chat_read",
            "the read role reads the rows of all users and writes none",
            "PostgreSQL must refuse it, but ran it: DELETE FROM st_chat_history_table WHERE userid = :userid",
        ),
    ],
)
def test_a_deployment_that_is_wrong(
    migrated: MigratedDatabase, by: str, repaired_by: str, check: str, message: str
) -> None:
    with broken(migrated, by, repaired_by):
        assert failures(Smoke(migrated.app, None, migrated.read))[check] == message
    with migrated.endpoint.psql(migrated.master.database) as superuser:
        assert superuser.execute("SELECT to_regclass('stchat_smoke')").fetchone() == (None,)
    assert left(migrated) == 0


def test_a_secret_that_does_not_open_it(migrated: MigratedDatabase) -> None:
    wrong = replace(migrated.app, secret_arn=migrated.endpoint.add_secret("st_chat_app", "not its password"))
    [result] = Smoke(wrong.with_timeout(1), None).run()
    assert (result.check, result.ok) == ("answers", False)
    assert 'password authentication failed for user "st_chat_app"' in result.message


def test_interrupted_it_cleans_up(migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Smoke) -> None:
        assert left(migrated) > 0
        raise KeyboardInterrupt

    monkeypatch.setattr(Smoke, "_isolation", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Smoke(migrated.app, None).run()
    assert left(migrated) == 0


def test_the_function_is_asked_too(migrated: MigratedDatabase) -> None:
    """Through any that answers as the chat function does; this one loses what it is given."""

    def forgetful(event: dict[str, Any]) -> dict[str, Any]:
        return {"written": True, "memories": []} if event["userid"] else {}

    assert failures(Smoke(migrated.app, None, invoke=forgetful)) == {
        "the chat function does the same": "its turn must be in the table, got 0"
    }


@pytest.fixture
def shell(migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DataApi, "from_settings", lambda *_, **__: migrated.app)
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", migrated.app.cluster_arn)
    monkeypatch.setenv("STCHAT_APP_SECRET_ARN", migrated.app.secret_arn)
    monkeypatch.setenv("STCHAT_DATABASE", migrated.app.database)
    monkeypatch.delenv("STCHAT_READ_SECRET_ARN", raising=False)
    monkeypatch.delenv("STCHAT_CHAT_FUNCTION", raising=False)


@pytest.mark.usefixtures("shell")
def test_command(migrated: MigratedDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "--no-embedding"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("ok  answers ")
    assert lines[-4:] == [
        "left out: the embedding model (--no-embedding): the vectors are made without a model",
        "left out: the read role (--read-secret, STCHAT_READ_SECRET_ARN)",
        "left out: the chat function (--function, STCHAT_CHAT_FUNCTION)",
        "12 checks passed",
    ]
    with broken(
        migrated,
        "ALTER TABLE st_chat_history_vector_table DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE st_chat_history_vector_table ENABLE ROW LEVEL SECURITY",
    ):
        assert main(["smoke", "--no-embedding", "--read-secret", migrated.read.secret_arn, "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["check"] for row in rows if not row["ok"]] == ["shows nothing to SQL that names no user"]


@pytest.mark.usefixtures("shell")
def test_what_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("STCHAT_APP_SECRET_ARN")
    assert main(["smoke"]) == 1
    assert capsys.readouterr().err.startswith("error: STCHAT_APP_SECRET_ARN is not set: run eval ")


def test_own_vectors_tell_texts_apart() -> None:
    vectors = StandInEmbedder()
    same, other = (
        sum(a * b for a, b in zip(vectors.query("a"), vectors.query(text), strict=True)) for text in ("a", "b")
    )
    assert same == pytest.approx(1)
    assert abs(other) < 0.2
