"""The custom resource's two functions, over a real Data API, with the project's own SQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, MigrationError
from stchat.handlers import schema
from stchat.schema.roles import LIMITS, changed_settings, read_roles
from stchat.sql_lint.parse import load
from tests.support.data_api_endpoint import Endpoint
from tests.support.faults import Faulty
from tests.support.lambda_context import LambdaContext
from tests.support.schema_events import EVERYTHING, FILES, Secrets, event

DONE = {"IsComplete": True, "Data": {"Migrations": str(len(FILES))}}

OF_POSTGRES = [file for file in FILES if file.database == "postgres"]


def test_create_and_again(counted_client: Faulty, schema_api: DataApi) -> None:
    create = event("Create", *EVERYTHING)
    assert schema.on_event(create, LambdaContext()) == {"PhysicalResourceId": "stchat-schema"}
    assert schema.is_complete(create, LambdaContext()) == DONE
    deploys = {row["deploy"] for row in schema_api.execute("SELECT deploy FROM schema_migrations").rows}
    assert deploys == {"StChatDevSchema 7f3c"}
    counted_client.calls = 0
    assert schema.is_complete(create, LambdaContext()) == DONE
    assert counted_client.calls == 7, (
        "one for each of two databases, two for the index, one each for the codes, the words and the roles"
    )


def test_a_rollback_and_a_delete_touch_nothing(counted_client: Faulty, schema_api: DataApi) -> None:
    assert schema.is_complete(event("Update", *EVERYTHING[: len(OF_POSTGRES)]), LambdaContext())["IsComplete"]
    counted_client.calls = 0
    delete = event("Delete", *EVERYTHING)
    assert schema.on_event(delete, LambdaContext()) == {"PhysicalResourceId": "stchat-schema"}
    assert schema.is_complete(delete, LambdaContext()) == {"IsComplete": True}
    assert counted_client.calls == 0
    assert len(schema_api.execute("SELECT FROM schema_migrations").rows) == len(FILES) - len(OF_POSTGRES)


def test_what_was_asked_is_looked_at_first(counted_client: Faulty) -> None:
    with pytest.raises(
        MigrationError, match=r"^not a migration as the app writes it, got 'x y': deploy with `cdk deploy`$"
    ):
        schema.on_event(event("Create", "x y"), LambdaContext())
    assert counted_client.calls == 0


def test_paused(short_limits: Endpoint, caplog: pytest.LogCaptureFixture, counted_client: Faulty) -> None:
    """Longer than this call may wait, so that the Provider framework has to call again."""
    short_limits.pause()
    assert schema.is_complete(event("Update", *EVERYTHING), LambdaContext(schema.RESERVE_SECONDS)) == {
        "IsComplete": False
    }
    assert any("is resuming after being auto-paused" in message for message in caplog.messages)
    assert counted_client.calls == 1
    assert schema.is_complete(event("Update", *EVERYTHING), LambdaContext()) == DONE


@pytest.mark.usefixtures("counted_client")
def test_the_reason_is_what_cloudformation_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "postgres" / "0001_create_database.sql"
    file.parent.mkdir()
    monkeypatch.setattr(schema, "SQL", tmp_path)
    for file_ in OF_POSTGRES:
        (file.parent / file_.name).write_bytes((Path(__file__).parents[3] / file_.path).read_bytes())
    (file.parent / "0005_x.sql").write_text("\nSELECT nothing FROM nowhere;")
    with pytest.raises(MigrationError) as raised:
        schema.is_complete(
            event("Update", *(file.to_property() for file in load(tmp_path).migrations)), LambdaContext()
        )
    assert str(raised.value) == 'sql/postgres/0005_x.sql:2: relation "nowhere" does not exist (SQLSTATE 42P01)'
    (file.parent / "0005_x.sql").write_text(f"DO $$ BEGIN RAISE '{'x' * 2000}'; END $$;")
    with pytest.raises(MigrationError) as raised:
        schema.is_complete(
            event("Update", *(file.to_property() for file in load(tmp_path).migrations)), LambdaContext()
        )
    assert len(str(raised.value)) == schema.REASON_CHARACTERS
    assert str(raised.value).endswith("xxx...")


def as_role(short_limits: Endpoint, schema_api: DataApi, role: str, password: str) -> DataApi:
    return replace(schema_api, secret_arn=short_limits.add_secret(role, password), timeout=5)


def refused(schema_api: DataApi, sql: str) -> str:
    with pytest.raises(DatabaseError) as raised:
        schema_api.execute(sql)
    return raised.value.sqlstate


@pytest.mark.usefixtures("counted_client")
def test_roles_can_do_what_they_are_for(short_limits: Endpoint, schema_api: DataApi, role_secrets: Secrets) -> None:
    schema.is_complete(event("Update", *EVERYTHING), LambdaContext())
    app = as_role(short_limits, schema_api, "st_chat_app", role_secrets.passwords["st_chat_app"])
    insert = "INSERT INTO st_chat_history_table (userid, themename, chatid) VALUES ('u', 't', 1) RETURNING primarykey"
    assert refused(app, insert) == "42501", "row security: it has not set whose rows it means"
    with app.transaction() as transaction:
        transaction.execute("SELECT set_config('stchat.userid', 'u', true)")
        assert transaction.execute(insert).rows
        assert transaction.execute("UPDATE st_chat_history_table SET userinput = 'x'").updated == 1
    assert app.execute("SELECT vector '[1,2]' <-> vector '[1,3]' AS distance").rows == [{"distance": 1.0}]
    assert refused(schema_api, insert) == "23505"
    denied = [
        "CREATE TABLE x ()",
        "DROP TABLE st_chat_history_table",
        "ALTER TABLE st_chat_history_table ADD x int",
        "TRUNCATE st_chat_history_table",
        "SELECT * FROM schema_migrations",
        "CREATE TEMPORARY TABLE x ()",
        "CREATE SCHEMA x",
    ]
    assert {sql: refused(app, sql) for sql in denied} == dict.fromkeys(denied, "42501")
    for database in ("postgres", "template1"):
        assert refused(app.with_database(database), "SELECT 1") == "42501"
    reader = as_role(short_limits, schema_api, "st_chat_read", role_secrets.passwords["st_chat_read"])
    assert reader.execute("SELECT userid FROM st_chat_history_table").rows == [{"userid": "u"}]
    assert refused(reader, insert) == "42501"
    assert schema_api.execute("DELETE FROM st_chat_history_table").updated == 1


@pytest.mark.usefixtures("counted_client")
def test_a_role_gets_a_new_password_when_its_secret_changes(
    short_limits: Endpoint, schema_api: DataApi, role_secrets: Secrets
) -> None:
    old = role_secrets.passwords["st_chat_app"]
    schema.is_complete(event("Update", *EVERYTHING), LambdaContext())
    role_secrets.passwords["st_chat_app"] = "second $ 'quoted' \\ one"
    schema.is_complete(event("Update", *EVERYTHING), LambdaContext())
    assert (
        as_role(short_limits, schema_api, "st_chat_app", role_secrets.passwords["st_chat_app"])
        .execute("SELECT 1 AS one")
        .rows
    )
    assert refused(as_role(short_limits, schema_api, "st_chat_app", old), "SELECT 1") == "28P01"


@pytest.mark.usefixtures("counted_client")
def test_tables_of_later_migrations_are_the_roles_too(
    short_limits: Endpoint, schema_api: DataApi, role_secrets: Secrets
) -> None:
    schema.is_complete(event("Update", *EVERYTHING), LambdaContext())
    app = as_role(short_limits, schema_api, "st_chat_app", role_secrets.passwords["st_chat_app"])
    schema_api.execute("CREATE TABLE later (id bigserial)")
    assert app.execute("INSERT INTO later DEFAULT VALUES").updated == 1
    schema_api.execute("DROP TABLE later")


@pytest.mark.usefixtures("counted_client")
def test_roles_that_cannot_have_a_password() -> None:
    with pytest.raises(MigrationError) as raised:
        schema.is_complete(event("Update", *EVERYTHING, roles=("no_such_role",)), LambdaContext())
    assert str(raised.value) == (
        "role no_such_role does not exist: make it in a migration, with NOLOGIN, or leave its secret out"
    )


@pytest.mark.usefixtures("counted_client")
def test_a_deploy_sets_the_limits_again(
    short_limits: Endpoint, schema_api: DataApi, caplog: pytest.LogCaptureFixture
) -> None:
    """Of each role that migrations have made: the one that logs in by IAM has no secret, so no event names it."""
    deploy = event("Update", *EVERYTHING)
    schema.is_complete(deploy, LambdaContext())
    assert not [role for role in read_roles(schema_api, LIMITS) if changed_settings(role)]
    assert "set again" not in caplog.text
    with short_limits.psql() as superuser:
        for role in LIMITS:
            superuser.execute(f"ALTER ROLE {role} RESET lock_timeout")
            superuser.execute(f"ALTER ROLE {role} IN DATABASE st_chat_db SET statement_timeout = 0")
            superuser.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    schema.is_complete(deploy, LambdaContext())
    for role in LIMITS:
        changed = "its connection limit is 1; its settings differ in lock_timeout, st_chat_db statement_timeout"
        assert f"role {role}: {changed}; set again" in caplog.messages
    roles = read_roles(schema_api, LIMITS)
    assert {role["rolname"] for role in roles} == {"st_chat_app", "st_chat_app_iam", "st_chat_read"}
    assert not [role for role in roles if changed_settings(role)]
