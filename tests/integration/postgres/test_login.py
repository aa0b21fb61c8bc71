"""TLS and logins by IAM: in front of the local PostgreSQL, which has neither, stands what Aurora has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from local_aws.postgres.server import Postgres as LocalPostgres
from local_aws.state import REGION
from stchat.chat import ChatHistory
from stchat.errors import DataApiError, DatabaseError, UnavailableError
from stchat.postgres import IamLogin, Login, PasswordLogin, Postgres, Server
from tests.support.certificates import Authority
from tests.support.database_front import Front, check_token
from tests.support.migrated_database import DATABASE, IAM_ROLE

PASSWORD = PasswordLogin("st_chat_app", "of st_chat_app")
Endpoint = Callable[..., Front]


@pytest.fixture
def endpoint(server: LocalPostgres) -> Iterator[Endpoint]:
    """A cluster's endpoint with TLS; with `iam`, it asks for a token."""
    fronts = []

    def make(context: Any, *, iam: bool = False) -> Front:
        front = Front(server.port, context)
        if iam:
            front._check = check_token("localhost", front.port, IAM_ROLE)
        fronts.append(front)
        return front

    yield make
    for front in fronts:
        front.close()


def connect(front: Front, bundle: Path, login: Login = PASSWORD, *, timeout: float = 5) -> Postgres:
    return Postgres(Server("localhost", login, front.port, bundle), DATABASE, timeout)


def iam(**more: Any) -> IamLogin:
    client = boto3.Session("test", "test", region_name=REGION).client("rds")
    return IamLogin(IAM_ROLE, client=cast(Any, more.get("client", client)))


def test_a_verified_server(endpoint: Endpoint, authority: Authority, user: str) -> None:
    api = connect(endpoint(authority.server("localhost")), authority.bundle)
    assert ChatHistory(api).add(user, "t", 1, "a", "b")


@pytest.mark.parametrize("wrong", ["authority", "host", "expired", "no TLS"])
def test_a_server_that_cannot_be_verified(endpoint: Endpoint, authority: Authority, tmp_path: Path, wrong: str) -> None:
    """Named at once: no retry helps. Nothing of the login is sent."""
    bundle = authority.bundle
    if wrong == "authority":
        bundle = Authority.create(tmp_path / "other").bundle
    context = authority.server("other.example" if wrong == "host" else "localhost", -1 if wrong == "expired" else 1)
    front = endpoint(None if wrong == "no TLS" else context)
    with pytest.raises(DataApiError) as raised:
        connect(front, bundle, timeout=30).execute("SELECT 1", idempotent=True)
    assert type(raised.value) is DataApiError
    assert raised.value.code == "CertificateError"
    assert "take AWS's global-bundle.pem" in str(raised.value)
    assert front.connections == 1


@pytest.mark.usefixtures("trusted")
def test_a_token_for_each_connection(endpoint: Endpoint, authority: Authority, user: str) -> None:
    """As a member of st_chat_app, with the same rights and row security."""
    front = endpoint(authority.server("localhost"), iam=True)
    login = iam()
    tokens = []
    made = login.credentials

    def watched(host: str, port: int) -> Any:
        tokens.append(made(host, port))
        return tokens[-1]

    login.credentials = watched  # type: ignore[method-assign]
    api = connect(front, authority.bundle, login)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda number: ChatHistory(api).add(user, "t", number, "a", "b"), range(40)))
    assert 1 <= len(tokens) == front.connections <= 4
    assert api.execute("SELECT current_user AS role").rows == [{"role": IAM_ROLE}]
    assert len(ChatHistory(api).turns(user)) == 40
    assert api.execute("SELECT 1 FROM st_chat_history_table").rows == []
    assert tokens[0].password not in repr(tokens[0])


class OldTokens:
    """As a client whose tokens were signed 16 minutes ago."""

    def generate_db_auth_token(self, **names: Any) -> str:
        token: str = boto3.Session("test", "test", region_name=REGION).client("rds").generate_db_auth_token(**names)
        past = datetime.now(UTC) - timedelta(minutes=16)
        return re.sub(r"X-Amz-Date=\w+", f"X-Amz-Date={past:%Y%m%dT%H%M%SZ}", token)


@pytest.mark.usefixtures("trusted")
def test_an_expired_token(endpoint: Endpoint, authority: Authority) -> None:
    front = endpoint(authority.server("localhost"), iam=True)
    with pytest.raises(DatabaseError) as raised:
        connect(front, authority.bundle, iam(client=OldTokens())).execute("SELECT 1", idempotent=True)
    assert raised.value.sqlstate == "28000"
    assert str(raised.value).endswith(
        f'FATAL: PAM authentication failed for user "{IAM_ROLE}": IAM refuses the token: grant rds_iam to the role,'
        " allow rds-db:connect on it, switch IAM authentication on, and compare this machine's clock"
    )
    assert "X-Amz" not in str(raised.value)
    assert front.connections == 1


def test_a_role_that_does_not_exist_or_may_not_connect(server: LocalPostgres) -> None:
    def refused(login: Login, database: str) -> str:
        with pytest.raises(DatabaseError) as raised:
            Postgres(Server("127.0.0.1", login, server.port), database, 0.5).execute("SELECT 1")
        return raised.value.sqlstate

    assert refused(PasswordLogin("st_chat_app", "wrong"), DATABASE) == "28P01"
    assert refused(PASSWORD, "postgres") == "42501"
    assert refused(PASSWORD, "nowhere") == "3D000"


def test_too_many_connections_are_waited_for(server: LocalPostgres) -> None:
    with server.connect() as superuser:
        superuser.execute("ALTER ROLE st_chat_app CONNECTION LIMIT 0")
        try:
            api = Postgres(Server("127.0.0.1", PASSWORD, server.port), DATABASE, 0.5)
            with pytest.raises(UnavailableError, match='too many connections for role "st_chat_app"'):
                api.execute("SELECT 1")
        finally:
            superuser.execute("ALTER ROLE st_chat_app CONNECTION LIMIT 500")
    assert api.execute("SELECT 1 AS one").rows == [{"one": 1}]
