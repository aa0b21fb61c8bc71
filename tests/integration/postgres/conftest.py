"""A PostgreSQL with all of sql/ applied, that a test may kill: its data is on disk, as Aurora's storage is shared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_aws.postgres.server import Postgres as LocalPostgres
from stchat.postgres import PasswordLogin, Postgres, Server
from tests.support.certificates import Authority
from tests.support.database_front import Front
from tests.support.migrated_database import DATABASE, IAM_ROLE, MigratedDatabase

Client = Callable[..., Postgres]


@pytest.fixture(scope="session")
def server(migrated: MigratedDatabase, public_directory: Path) -> Iterator[LocalPostgres]:
    """A copy of the migrated cluster, without the Data API: the roles have their passwords already."""
    original = LocalPostgres(migrated.endpoint.directory / "local")
    original.start()  # adopts it
    original.copy_to(public_directory / "copy")
    server = LocalPostgres(public_directory / "direct")
    server.copy(public_directory / "copy", master="stchat", password="of stchat")
    shutil.rmtree(public_directory / "copy")
    server.start()
    with server.connect() as superuser:
        superuser.execute("ALTER SYSTEM RESET fsync")
        superuser.execute("SELECT pg_reload_conf()")
    yield server
    server.stop()


@pytest.fixture
def front(server: LocalPostgres) -> Iterator[Front]:
    """The cluster's endpoint: it stays, whatever server is the writer."""
    server.start()
    front = Front(server.port)
    yield front
    front.close()
    server.start()


@pytest.fixture
def client(front: Front) -> Iterator[Client]:
    made = []

    def make(login: object = None, **settings: object) -> Postgres:
        login = login or PasswordLogin("st_chat_app", "of st_chat_app")
        made.append(Postgres(Server("127.0.0.1", login, front.port), DATABASE, **{"timeout": 30, **settings}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="session")
def trusted(server: LocalPostgres) -> None:
    """PostgreSQL lets the role in, whose token the endpoint has checked."""
    file = server.data / "pg_hba.conf"
    file.write_text(f"host all {IAM_ROLE} 127.0.0.1/32 trust\n{file.read_text()}")
    with server.connect() as superuser:
        superuser.execute("SELECT pg_reload_conf()")
