"""Recall on a reader: a hot standby stands for Aurora's, which lags behind the writer too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.postgres.creation import own
from local_aws.postgres.roles import SUPERUSER
from local_aws.postgres.server import Postgres as LocalPostgres
from stchat.chat import ChatHistory, ChatMemory, CohereEmbedder
from stchat.errors import UnavailableError
from stchat.postgres import PasswordLogin, Postgres, Server
from tests.support.data_api_endpoint import until
from tests.support.migrated_database import DATABASE
from tests.support.vectors import axis

LOGIN = PasswordLogin("st_chat_app", "of st_chat_app")


@pytest.fixture
def standby(server: LocalPostgres, public_directory: Path) -> Iterator[LocalPostgres]:
    server.start()
    server.copy_to(public_directory / "standby")
    standby = LocalPostgres(public_directory / "standby")
    with (standby.data / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"primary_conninfo = 'host=127.0.0.1 port={server.port} user={SUPERUSER}"
            f" password={server.superuser_password}'\n"
        )
    (standby.data / "standby.signal").touch()
    own(standby.data)
    standby.start()
    yield standby
    standby.stop()


def test_recall_goes_to_the_reader(server: LocalPostgres, standby: LocalPostgres, user: str) -> None:
    writer = Postgres(Server("127.0.0.1", LOGIN, server.port), DATABASE, 20)
    reader = Postgres(Server("127.0.0.1", LOGIN, standby.port), DATABASE, 20)
    memory = ChatMemory(writer, CohereEmbedder(), reader)
    assert memory.remember(user, "t", 1, "s", {"a": 1}, axis(1))
    until(lambda: len(memory.recall_vector(user, axis(1))) == 1, "the reader has caught up")
    assert memory.with_timeout(5).recall_vector(user, axis(1))[0].metadata == {"a": 1}
    assert reader.pool.open >= 1
    with standby.connect() as superuser:
        superuser.execute("SELECT pg_wal_replay_pause()")
        memory.remember(user, "t", 2, "s", vector=axis(2))
        assert [one.chatid for one in memory.recall_vector(user, axis(1))] == [1]  # not what was just written
        assert len(ChatMemory(writer, CohereEmbedder()).recall_vector(user, axis(1))) == 2
        superuser.execute("SELECT pg_wal_replay_resume()")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="in a read-only transaction: the server is not the writer"):
        ChatHistory(reader).with_timeout(0.5).add(user, "t", 1, "a", "b")
    assert time.monotonic() - started < 5
    writer.close()
    reader.close()
