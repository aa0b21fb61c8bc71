"""The custom resource's two functions, over a real Data API, with the project's own SQL."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, MigrationError
from stchat.handlers import schema
from stchat.sql_lint.parse import load
from tests.integration.conftest import Endpoint
from tests.integration.stchat.faults import Faulty

FILES = load(schema.SQL).migrations
ROLES = ("st_chat_app", "st_chat_read")


class Context:
    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Secrets:
    """Secrets Manager as far as it is asked."""

    def __init__(self, passwords: dict[str, str]) -> None:
        self.passwords = passwords

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        role = SecretId.rpartition(":")[2]
        login = {"username": role, "password": self.passwords[role], "host": "h"}
        return {"VersionId": f"version of {self.passwords[role]}", "SecretString": json.dumps(login)}


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    return Secrets({role: f"first of {role}" for role in ROLES})


@pytest.fixture
def client(impatient: Endpoint, secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> Faulty:
    """Counts the Lambda's calls of the Data API."""
    counting = Faulty(impatient.client)
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", impatient.cluster_arn)
    monkeypatch.setenv("STCHAT_SECRET_ARN", impatient.secret_arn)
    monkeypatch.setattr(schema, "rds_data_client", lambda: counting)
    monkeypatch.setattr(boto3, "client", lambda _: secrets)
    return counting


@pytest.fixture
def api(impatient: Endpoint) -> DataApi:
    return DataApi(impatient.client, impatient.cluster_arn, impatient.secret_arn, "st_chat_db")


def event(
    kind: str, *migrations: str, roles: tuple[str, ...] = ROLES, index: str = "true", request: str = "7f3c"
) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": request,
        "StackId": "arn:aws:cloudformation:ap-northeast-1:123456789012:stack/StChatDevSchema/1b2c",
        "ResourceProperties": {
            "ServiceToken": "arn",
            "Migrations": dict(migration.split(" ", 1) for migration in migrations),
            "Roles": [f"{role}=arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:{role}" for role in roles],
            "GlobalHnswIndex": {"st_chat_db": index},
        },
    }


EVERYTHING = [file.to_property() for file in FILES]
DONE = {"IsComplete": True, "Data": {"Migrations": str(len(FILES))}}


def test_create_and_again(client: Faulty, api: DataApi) -> None:
    create = event("Create", *EVERYTHING)
    assert schema.on_event(create, Context()) == {"PhysicalResourceId": "stchat-schema"}
    assert schema.is_complete(create, Context()) == DONE
    deploys = {row["deploy"] for row in api.execute("SELECT deploy FROM schema_migrations").rows}
    assert deploys == {"StChatDevSchema 7f3c"}
    client.calls = 0
    assert schema.is_complete(create, Context()) == DONE
    assert client.calls == 4, "one for each of two databases, one for the index, and one for the roles"


def test_a_rollback_and_a_delete_touch_nothing(client: Faulty, api: DataApi) -> None:
    assert schema.is_complete(event("Update", *EVERYTHING[:3]), Context())["IsComplete"]
    client.calls = 0
    delete = event("Delete", *EVERYTHING)
    assert schema.on_event(delete, Context()) == {"PhysicalResourceId": "stchat-schema"}
    assert schema.is_complete(delete, Context()) == {"IsComplete": True}
    assert client.calls == 0
    assert len(api.execute("SELECT FROM schema_migrations").rows) == len(FILES) - 2


def test_what_was_asked_is_looked_at_first(client: Faulty) -> None:
    with pytest.raises(
        MigrationError, match=r"^not a migration as the app writes it, got 'x y': deploy with `cdk deploy`$"
    ):
        schema.on_event(event("Create", "x y"), Context())
    assert client.calls == 0


def test_asleep(impatient: Endpoint, caplog: pytest.LogCaptureFixture, client: Faulty) -> None:
    """Longer than this call may wait, so that the Provider framework has to call again."""
    impatient.pause()
    assert schema.is_complete(event("Update", *EVERYTHING), Context(schema.RESERVE_SECONDS)) == {"IsComplete": False}
    assert any("is resuming after being auto-paused" in message for message in caplog.messages)
    assert client.calls == 1
    assert schema.is_complete(event("Update", *EVERYTHING), Context()) == DONE


@pytest.mark.usefixtures("client")
def test_the_reason_is_what_cloudformation_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "postgres" / "0001_create_database.sql"
    file.parent.mkdir()
    monkeypatch.setattr(schema, "SQL", tmp_path)
    for file_ in FILES[:2]:
        (file.parent / file_.name).write_bytes((Path(__file__).parents[3] / file_.path).read_bytes())
    (file.parent / "0003_x.sql").write_text("\nSELECT nothing FROM nowhere;")
    with pytest.raises(MigrationError) as raised:
        schema.is_complete(event("Update", *(file.to_property() for file in load(tmp_path).migrations)), Context())
    assert str(raised.value) == 'sql/postgres/0003_x.sql:2: relation "nowhere" does not exist (SQLSTATE 42P01)'
    (file.parent / "0003_x.sql").write_text(f"DO $$ BEGIN RAISE '{'x' * 2000}'; END $$;")
    with pytest.raises(MigrationError) as raised:
        schema.is_complete(event("Update", *(file.to_property() for file in load(tmp_path).migrations)), Context())
    assert len(str(raised.value)) == schema.REASON_CHARACTERS
    assert str(raised.value).endswith("xxx...")


def as_role(impatient: Endpoint, api: DataApi, role: str, password: str) -> DataApi:
    return replace(api, secret_arn=impatient.add_secret(role, password), timeout=5)


def refused(api: DataApi, sql: str) -> str:
    with pytest.raises(DatabaseError) as raised:
        api.execute(sql)
    return raised.value.sqlstate


@pytest.mark.usefixtures("client")
def test_roles_can_do_what_they_are_for(impatient: Endpoint, api: DataApi, secrets: Secrets) -> None:
    schema.is_complete(event("Update", *EVERYTHING), Context())
    app = as_role(impatient, api, "st_chat_app", secrets.passwords["st_chat_app"])
    insert = "INSERT INTO st_chat_history_table (userid, themename, chatid) VALUES ('u', 't', 1) RETURNING primarykey"
    assert refused(app, insert) == "42501", "row security: it has not said whose rows it means"
    with app.transaction() as transaction:
        transaction.execute("SELECT set_config('stchat.userid', 'u', true)")
        assert transaction.execute(insert).rows
        assert transaction.execute("UPDATE st_chat_history_table SET userinput = 'x'").updated == 1
    assert app.execute("SELECT vector '[1,2]' <-> vector '[1,3]' AS distance").rows == [{"distance": 1.0}]
    assert refused(api, insert) == "23505"
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
    reader = as_role(impatient, api, "st_chat_read", secrets.passwords["st_chat_read"])
    assert reader.execute("SELECT userid FROM st_chat_history_table").rows == [{"userid": "u"}]
    assert refused(reader, insert) == "42501"
    assert api.execute("DELETE FROM st_chat_history_table").updated == 1


@pytest.mark.usefixtures("client")
def test_a_role_is_keyed_anew_when_its_secret_changes(impatient: Endpoint, api: DataApi, secrets: Secrets) -> None:
    old = secrets.passwords["st_chat_app"]
    schema.is_complete(event("Update", *EVERYTHING), Context())
    secrets.passwords["st_chat_app"] = "second $ 'quoted' \\ one"
    schema.is_complete(event("Update", *EVERYTHING), Context())
    assert as_role(impatient, api, "st_chat_app", secrets.passwords["st_chat_app"]).execute("SELECT 1 AS one").rows
    assert refused(as_role(impatient, api, "st_chat_app", old), "SELECT 1") == "28P01"


@pytest.mark.usefixtures("client")
def test_tables_of_later_migrations_are_the_roles_too(impatient: Endpoint, api: DataApi, secrets: Secrets) -> None:
    schema.is_complete(event("Update", *EVERYTHING), Context())
    app = as_role(impatient, api, "st_chat_app", secrets.passwords["st_chat_app"])
    api.execute("CREATE TABLE later (id bigserial)")
    assert app.execute("INSERT INTO later DEFAULT VALUES").updated == 1
    api.execute("DROP TABLE later")


@pytest.mark.usefixtures("client")
def test_roles_that_cannot_be_keyed() -> None:
    with pytest.raises(MigrationError) as raised:
        schema.is_complete(event("Update", *EVERYTHING, roles=("nobody",)), Context())
    assert str(raised.value) == (
        "role nobody does not exist: make it in a migration, with NOLOGIN, or leave its secret out"
    )
