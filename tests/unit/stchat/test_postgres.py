"""The direct connection without a server: placeholders, values, settings, errors, the pool."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from local_aws.data_api import tokens
from stchat.data_api import values as data_api_values
from stchat.errors import DataApiError, DatabaseError, OutcomeUnknownError, SettingsError, UnavailableError
from stchat.postgres import IamLogin, PasswordLogin, Postgres, PostgresSettings, SecretLogin, Server, values
from stchat.postgres.error_mapping import of_connection, of_statement
from stchat.postgres.placeholders import numbered
from stchat.postgres.pool import Pool

LOGIN = PasswordLogin("u", "secret word")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT :a, :b, :a",
        "SELECT :1::text || ':no' || \":no\" || E'\\':no' -- :no\n, :b",
        "SELECT /* :no /* :no */ :no */ :a",
        "SELECT 1::int, a[1: 2], :größe",
        "SELECT ':it''s' , :a;",
        "SELECT $1, :a -- ; :no",
        "SELECT e':no\\' :no', :a",
        "SELECT 'unclosed :no",
    ],
)
def test_placeholders_are_the_data_apis(sql: str) -> None:
    assert numbered(sql) == tokens.numbered(sql)


def test_dollar_quotes_stay_as_they_are() -> None:
    """The Data API changes what is in them."""
    assert numbered("SELECT $$a :b c$$, $t$ :b $$ ; $t$, :c") == ("SELECT $$a :b c$$, $t$ :b $$ ; $t$, $1", ("c",))


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT ';'; -- x\n DELETE FROM t", "COMMIT;/* */SELECT 1"])
def test_one_statement_a_call(sql: str) -> None:
    assert not tokens.is_one_statement(sql)
    with pytest.raises(DataApiError) as raised:
        numbered(sql)
    assert str(raised.value) == (
        "a call takes one statement, got more: send each in a call of its own, in a transaction"
    )


@pytest.mark.parametrize(
    "sql", ["SELECT 1;", "SELECT 1; -- x", ";;", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"]
)
def test_what_is_one_statement(sql: str) -> None:
    assert tokens.is_one_statement(sql)
    numbered(sql)


def test_values_are_those_of_the_data_api() -> None:
    assert values._INTO.keys() == data_api_values._INTO.keys()
    moment = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=9)))
    assert values.bind(("b", "a"), {"a": "x", "b": moment}) == [datetime(2026, 1, 1, 18), "x"]  # noqa: DTZ001


def test_values_that_do_not_fit() -> None:
    for given, text in (
        ({}, "the SQL names the parameter a, which must be given, got none"),
        ({"a": 1, "b": 2}, "the SQL must name each parameter, got one more: b"),
    ):
        with pytest.raises(DataApiError) as raised:
            values.bind(("a",), given)
        assert str(raised.value) == text
    with pytest.raises(TypeError) as refused:
        values.bind(("a",), {"a": object()})
    with pytest.raises(TypeError) as same:
        data_api_values.to_parameters({"a": object()})
    assert str(refused.value) == str(same.value)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"host": ""}, "host must be the cluster's endpoint, got ''"),
        ({"port": 70_000}, "port must be from 1 to 65535, got 70000"),
        ({"host": "c.example"}, "ca_bundle must be given for host c.example, got none: download AWS's"
         " global-bundle.pem from https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"),
        ({"login": IamLogin("u")}, "ca_bundle must be given for a login by IAM, got none: its token is sent as it is"),
        ({"ca_bundle": Path("/nowhere.pem")}, "ca_bundle must be a file, got /nowhere.pem"),
    ],
)  # fmt: skip
def test_a_server_that_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Server(**cast(Any, {"host": "127.0.0.1", "login": LOGIN} | changed))
    assert str(raised.value) == text


def test_settings() -> None:
    given = {"STCHAT_DB_HOST": "c.example", "STCHAT_DATABASE": "d", "STCHAT_APP_SECRET_ARN": "arn"}
    settings = PostgresSettings.from_environment(given)
    assert settings == PostgresSettings(host="c.example", database="d", secret_arn="arn")
    assert isinstance(settings.login(), SecretLogin)
    settings = PostgresSettings.from_environment(given | {"STCHAT_DB_IAM_ROLE": "r", "STCHAT_DB_POOL_SIZE": "3"})
    assert isinstance(settings.login(), IamLogin)
    assert (settings.secret_arn, settings.pool_size) == ("", 3)
    for changed, text in (
        ({"STCHAT_DB_HOST": ""}, "STCHAT_DB_HOST is not set: a direct connection needs it (docs/transports.md)"),
        ({"STCHAT_DB_PORT": "x"}, "STCHAT_DB_PORT must be an integer from 1 to 65535, got 'x'"),
        ({"STCHAT_DB_PORT": "nan"}, "STCHAT_DB_PORT must be an integer from 1 to 65535, got 'nan'"),
        ({"STCHAT_DB_IDLE_SECONDS": "0.5"}, "STCHAT_DB_IDLE_SECONDS must be a number from 1 to 86400, got '0.5'"),
        ({"STCHAT_DB_POOL_SIZE": "0.9"}, "STCHAT_DB_POOL_SIZE must be an integer from 1 to 10000, got '0.9'"),
    ):
        with pytest.raises(SettingsError) as raised:
            PostgresSettings.from_environment(given | changed)
        assert str(raised.value) == text
    with pytest.raises(SettingsError, match=r"^secret_arn or iam_role must be given, got both$"):
        PostgresSettings(host="h", database="d", secret_arn="a", iam_role="r")


def test_a_reader_differs_from_the_writer_by_its_host() -> None:
    """Loopback addresses, which need no bundle, stand for the cluster's two endpoints."""
    settings = PostgresSettings(
        host="127.0.0.1", reader_host="localhost", database="d", port=6543, secret_arn="a", pool_size=3, idle_seconds=7
    )
    writer = Postgres.from_settings(settings, timeout=9)
    reader = Postgres.reader_from_settings(settings, timeout=9)
    assert reader is not None
    assert (writer.server.host, reader.server.host) == ("127.0.0.1", "localhost")
    for one in (writer, reader):
        assert (one.database, one.timeout, one.pool_size, one.idle_seconds) == ("d", 9, 3, 7)
        assert (one.server.port, one.server.application) == (6543, "pool of stchat, closes after 7 s")
    assert Postgres.reader_from_settings(replace(settings, reader_host="")) is None


def test_no_password_is_shown() -> None:
    server = Server("127.0.0.1", LOGIN)
    assert "secret word" not in repr((server, LOGIN, LOGIN.credentials("h", 1)))


def test_a_connection_that_fails() -> None:
    refused = of_connection(psycopg.OperationalError('connection failed: FATAL:  database "x" does not exist\nMore'))
    assert isinstance(refused, DatabaseError)
    assert (refused.sqlstate, str(refused)) == ("3D000", 'connection failed: FATAL: database "x" does not exist')
    assert type(of_connection(psycopg.OperationalError("timeout expired"))) is UnavailableError
    assert of_connection(psycopg.OperationalError("certificate verify failed")).code == "CertificateError"
    assert type(of_connection(psycopg.InterfaceError("x"))) is DataApiError


def test_a_statement_that_fails() -> None:
    lost = of_statement(psycopg.OperationalError("server closed the connection unexpectedly\n\tThis"), is_lost=True)
    assert (type(lost), str(lost)) == (OutcomeUnknownError, "server closed the connection unexpectedly")
    assert type(of_statement(psycopg.errors.AdminShutdown("x"), is_lost=False)) is OutcomeUnknownError
    assert type(of_statement(psycopg.errors.CannotConnectNow("x"), is_lost=True)) is UnavailableError


class Session:
    """A connection as the pool sees it."""

    class info:  # noqa: N801
        transaction_status = TransactionStatus.IDLE

    def __init__(self) -> None:
        self.closed = False
        self.ours, self.servers = socket.socketpair()

    def fileno(self) -> int:
        return self.ours.fileno()

    def close(self) -> None:
        self.closed = True


def pool_of(size: int = 2, idle_seconds: float = 60) -> tuple[Pool, list[Session]]:
    made: list[Session] = []

    def connect(_: float) -> Any:
        made.append(Session())
        return made[-1]

    return Pool(cast(Any, connect), size=size, idle_seconds=idle_seconds), made


def test_a_pool_keeps_what_is_alive() -> None:
    pool, made = pool_of()
    for _ in range(3):
        with pool.connection(1):
            pass
    assert (len(made), pool.open) == (1, 1)
    made[0].servers.send(b"FATAL")
    with pool.connection(1) as connection:
        assert connection is cast(Any, made[1])
    assert made[0].closed
    with pool.connection(1):
        made[1].closed = True
    assert pool.open == 0


def test_a_failed_connection_leaves_its_place() -> None:
    def fail(_: float) -> Any:
        raise UnavailableError("x")

    pool = Pool(fail, size=1, idle_seconds=1)
    for _ in range(3):
        with pytest.raises(UnavailableError, match=r"^x$"), pool.connection(0):
            pass
    assert pool.open == 0


def test_a_pool_closes_all_that_is_idle_together() -> None:
    """psycopg_pool would close one of them per interval."""
    pool, made = pool_of(size=20, idle_seconds=0.2)
    barrier = threading.Barrier(20)

    def use() -> None:
        with pool.connection(5):
            barrier.wait(5)

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pool.open == len(made) == 20
    deadline = time.monotonic() + 5
    while pool.open and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pool.open == 0
    assert all(session.closed for session in made)
