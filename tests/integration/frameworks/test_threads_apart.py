"""A thread is its user's alone, whatever SQL the application sends, and its serializer's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

from stchat.data_api import Database
from stchat.langgraph import DataApiSaver
from stchat.ops.user_data import erase
from stchat.state import SHARED
from stchat.strands import StateStorage
from tests.support.checkpoints import OPERATIONS, TABLES, at, checkpoint, dump, values
from tests.support.migrated_database import MigratedDatabase
from tests.support.own_sql import as_user, refused_within


class Reversed:
    """A cipher for tests."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "reversed", plaintext[::-1]

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        assert ciphername == "reversed"
        return ciphertext[::-1]


def test_an_encrypted_state_stands_in_no_table(migrated: MigratedDatabase, user: str) -> None:
    saver = DataApiSaver(migrated.app, user, serde=EncryptedSerializer(Reversed()))
    saver.put(at("t"), checkpoint(1, a="a secret"), {}, {"a": "000001"})
    saver.put_writes(at("t", 1), [("a", "a secret")], "task")
    found = saver.get_tuple(at("t"))
    assert found is not None
    assert (values(found), found.pending_writes) == ({"a": "a secret"}, [("task", "a", "a secret")])
    for table in ("st_chat_checkpoint", "st_chat_checkpoint_blob", "st_chat_checkpoint_write"):
        sql = f"SELECT data FROM {table} WHERE userid = :user"
        assert all(b"secret" not in row["data"] for row in migrated.master.execute(sql, {"user": user}).rows)


def test_no_user_sees_another_ones_threads(
    migrated: MigratedDatabase, database_of_states: Database, saver: DataApiSaver, user: str
) -> None:
    for step in [*OPERATIONS.values()][:4]:
        step(saver)
    before = dump(migrated, user)
    for other in (DataApiSaver(database_of_states, f"other {user}"), DataApiSaver(database_of_states)):
        assert other.get_tuple(at("t")) is None
        assert [one for one in other.list(None) if one.config["configurable"]["thread_id"] == "t"] == []
        other.copy_thread("t", "u")
        other.prune(["t"])
        other.delete_for_runs(["r"])
        other.delete_thread("t")
        assert not other.expire("t", timedelta(1))
        assert other.get_tuple(at("u")) is None
        other.put(at("t"), checkpoint(1, a="theirs"), {}, {"a": "000001"})
        assert values(other.get_tuple(at("t"))) == {"a": "theirs"}
        other.delete_thread("t")
    assert dump(migrated, user) == before
    assert DataApiSaver(database_of_states).userid == SHARED


def test_the_database_holds_to_it_without_the_library(
    migrated: MigratedDatabase, saver: DataApiSaver, user: str
) -> None:
    for step in [*OPERATIONS.values()][:4]:
        step(saver)
    [row] = migrated.master.execute("SELECT primarykey FROM st_chat_thread WHERE userid = :u", {"u": user}).rows
    for table in TABLES:
        assert migrated.app.execute(f"SELECT 1 FROM {table}").rows == []
    with as_user(migrated, f"other {user}") as transaction:
        for table in TABLES:
            assert transaction.execute(f"SELECT 1 FROM {table}").rows == []
            assert transaction.execute(f"DELETE FROM {table} RETURNING 1").rows == []
        columns = "(thread, userid, namespace, channel, version, type, data)"
        insert = f"INSERT INTO st_chat_checkpoint_blob {columns} VALUES (:key, :userid, '', 'a', '9', 'null', '')"
        key = row["primarykey"]
        assert refused_within(transaction, insert, key=key, userid=f"other {user}") == "23503"
        assert refused_within(transaction, insert, key=key, userid=user) == "42501"
        values = "OVERRIDING SYSTEM VALUE VALUES (:key, :userid, 't')"
        own = f"INSERT INTO st_chat_thread (primarykey, userid, thread_id) {values}"
        assert refused_within(transaction, own, key=key + 9, userid=f"other {user}") == "42501"


def test_an_erasure_takes_all_of_a_user(migrated: MigratedDatabase, user: str) -> None:
    saver, other = DataApiSaver(migrated.app, user), DataApiSaver(migrated.app, f"other {user}")
    for step in [*OPERATIONS.values()][:4]:
        step(saver)
        step(other)
    asyncio.run(StateStorage(migrated.app, user).write("k", b"v"))
    receipt = erase(migrated.app, user, lambda _: None)
    assert {name: receipt.rows[name] for name in TABLES} == {
        "st_chat_thread": 1, "st_chat_checkpoint": 2, "st_chat_checkpoint_blob": 3, "st_chat_checkpoint_write": 3,
        "st_chat_state": 1, "st_chat_upload": 0,
    }  # fmt: skip
    assert not any(dump(migrated, user).values())
    assert other.get_tuple(at("t")) is not None
