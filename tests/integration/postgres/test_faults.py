"""Nothing lost, nothing doubled, each error named: whatever dies in the middle of whatever operation."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from local_aws.postgres.server import Postgres as LocalPostgres
from stchat.chat import Added, ChatHistory, ChatMemory, CohereEmbedder, Remembered
from stchat.errors import (
    DatabaseError,
    OutcomeUnknownError,
    StatementTimeoutError,
    TransactionAbortedError,
    TransactionLostError,
    UnavailableError,
)
from stchat.postgres import Postgres, SecretLogin
from tests.support.database_front import Front
from tests.support.killed_server import cut, fail_over, in_the_middle, kill, kill_backend
from tests.support.migrated_database import DATABASE
from tests.support.vectors import axis

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

Client = Callable[..., Postgres]
Operation = Callable[[ChatHistory, ChatMemory, str], object]
MEETS = {"failover": fail_over, "kill -9 of the session": kill_backend, "connection cut": cut}
OPERATIONS: dict[str, tuple[Operation, object, object]] = {
    # what it returns where it had not run, and where the server went on with it
    "add": (lambda h, _, u: h.add(u, "t", 2, "b", None), True, False),
    "add_many": (lambda h, _, u: h.add_many(turns(u)), Added(96), Added(0, 96)),
    "turns": (lambda h, _, u: [turn.chatid for turn in h.turns(u)], [1], [1]),
    "themes": (lambda h, _, u: [theme.turns for theme in h.themes(u)], [1], [1]),
    "delete": (lambda h, _, u: h.delete(u), 1, 0),
    "remember": (lambda _, m, u: m.remember(u, "t", 2, "s", vector=axis(2)), True, False),
    "remember_many": (lambda _, m, u: m.remember_many(many(u)), Remembered(96), Remembered(0, 96)),
    "recall": (lambda _, m, u: [one.chatid for one in m.recall_vector(u, axis(1))], [1], [1]),
    "forget": (lambda _, m, u: m.delete(u), 1, 0),
}


def turns(user: str) -> list[dict[str, object]]:
    return [{"userid": user, "theme": "many", "chatid": n, "userinput": f"s {n}", "botresponse": ""} for n in range(96)]


def many(user: str) -> list[dict[str, object]]:
    return [
        {"userid": user, "theme": "many", "chatid": n, "summary": f"s {n}", "vector": axis(n + 1)} for n in range(96)
    ]


@pytest.mark.parametrize("meet", MEETS.values(), ids=MEETS)
@pytest.mark.parametrize(("operation", "anew", "again"), OPERATIONS.values(), ids=OPERATIONS)
def test_in_the_middle_of_each_operation(
    server: LocalPostgres,
    front: Front,
    client: Client,
    user: str,
    operation: Operation,
    anew: object,
    again: object,
    meet: Callable[[LocalPostgres, Front], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "stchat")
    api = client()
    history, memory = ChatHistory(api), ChatMemory(api, CohereEmbedder())
    history.add(user, "t", 1, "a", None)
    memory.remember(user, "t", 1, "s", vector=axis(1))
    done = in_the_middle(server, lambda: operation(history, memory, user), lambda: meet(server, front))
    assert any("waiting for the database" in message for message in caplog.messages)
    assert user not in caplog.text
    # A server that only lost its client may have finished the statement before, or while, it was sent again.
    assert done == anew or (meet is cut and done == again)
    assert operation(history, memory, user) == again
    left = (len(history.turns(user, limit=1000)), memory_count(server, user))
    expected = {
        "add": (2, 1),
        "add_many": (97, 1),
        "delete": (0, 1),
        "remember": (1, 2),
        "remember_many": (1, 97),
        "forget": (1, 0),
    }
    [name] = [name for name, entry in OPERATIONS.items() if entry[0] is operation]
    assert left == expected.get(name, (1, 1))


def memory_count(server: LocalPostgres, user: str) -> int:
    with server.connect(DATABASE) as superuser:
        row = superuser.execute(
            "SELECT count(*) FROM st_chat_history_vector_table WHERE userid = %s", [user]
        ).fetchone()
    assert row
    return int(row[0])


def test_killed_again_and_again_under_load(server: LocalPostgres, front: Front, client: Client, user: str) -> None:
    """16 callers; the server dies three times, and each next one is another server on another port."""
    api = client(pool_size=8, timeout=60)
    history, memory = ChatHistory(api), ChatMemory(api, CohereEmbedder())
    ends = time.monotonic() + 8

    def work(caller: int) -> int:
        number = 0
        while time.monotonic() < ends:
            history.add(f"{user} {caller}", "t", number, f"turn {number}", None)
            memory.remember(f"{user} {caller}", "t", number, f"memory {number}", vector=axis(1 + number % 1000))
            number += 1
        return number

    with ThreadPoolExecutor(16) as pool:
        counts = [pool.submit(work, caller) for caller in range(16)]
        for _ in range(3):
            time.sleep(1.5)
            fail_over(server, front)
        done = [count.result(timeout=120) for count in counts]
    for caller, count in enumerate(done):
        turns = history.turns(f"{user} {caller}", limit=1000)[:1000]
        assert sorted(turn.chatid for turn in turns) == list(range(count))
        assert memory_count(server, f"{user} {caller}") == count
    assert sum(done) > 50


def test_a_transaction_whose_connection_ends(server: LocalPostgres, front: Front, client: Client, user: str) -> None:
    api = client()
    add = "SELECT st_chat_add_turn(:user, 't', :n, 'a', 'b')"
    with pytest.raises(TransactionLostError, match=r"nothing of the transaction remains$"), api.transaction() as lost:
        lost.execute(add, {"user": user, "n": 1})
        front.cut()
        lost.execute(add, {"user": user, "n": 2})
    with pytest.raises(OutcomeUnknownError), api.transaction() as unknown:
        unknown.execute(add, {"user": user, "n": 3})
        front.cut()
    with pytest.raises(TransactionAbortedError, match="division by zero"), api.transaction() as caught:
        caught.execute(add, {"user": user, "n": 4})
        with pytest.raises(DatabaseError):
            caught.execute("SELECT 1 / 0")
    with api.transaction() as kept:
        kept.execute(add, {"user": user, "n": 5})
    assert [turn.chatid for turn in ChatHistory(api).turns(user)] == [5]
    assert server.is_running


def test_what_is_not_idempotent_is_not_sent_again(server: LocalPostgres, front: Front, client: Client) -> None:
    api = client(timeout=20)
    api.execute("SELECT 1")
    with pytest.raises(OutcomeUnknownError) as raised:
        in_the_middle(
            server, lambda: api.execute("SELECT count(*) FROM st_chat_history_table"), lambda: cut(server, front)
        )
    assert raised.value.__cause__ is None


def test_a_server_that_has_become_a_reader_is_left(server: LocalPostgres, client: Client, user: str) -> None:
    api = client()
    ChatHistory(api).turns(user)

    def read_only(value: str) -> None:
        with server.connect() as superuser:
            superuser.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = {value}")

    read_only("on")
    api.close()
    with pytest.raises(UnavailableError) as raised:
        ChatHistory(api).with_timeout(0.5).add(user, "t", 1, "a", "b")
    assert str(raised.value).endswith("in a read-only transaction: the server is not the writer")
    with ThreadPoolExecutor(1) as pool:
        added = pool.submit(ChatHistory(api).add, user, "t", 1, "a", "b")
        time.sleep(0.5)
        read_only("off")
        assert added.result(30)


def test_a_pool_that_is_exhausted(client: Client, user: str) -> None:
    api = client(pool_size=2)
    with api.transaction(), api.transaction():
        with pytest.raises(UnavailableError) as raised:
            api.with_timeout(0.4).execute("SELECT 1", idempotent=True)
        assert raised.value.code == "PoolExhausted"
        assert str(raised.value) == (
            "all 2 connections of the pool are in use, and none came back within 0.4 s: raise pool_size, or make fewer"
            " calls at once"
        )
        assert api.pool.open == 2
    with ThreadPoolExecutor(32) as pool:
        history = ChatHistory(api)
        assert all(pool.map(lambda number: history.add(user, "t", number, "a", "b"), range(200)))
    assert api.pool.open <= 2


def test_the_cluster_sleeps_while_the_pool_is_idle(
    server: LocalPostgres, front: Front, client: Client, user: str
) -> None:
    """Every idle connection is closed, so that nothing blocks auto-pause; the next call waits for it."""
    api = client(pool_size=8, idle_seconds=1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ChatHistory(api).add(user, "t", number, "a", "b"), range(64)))
    assert api.pool.open > 1
    until = time.monotonic() + 10
    sessions = 1
    with server.connect() as superuser:
        while sessions and time.monotonic() < until:
            time.sleep(0.2)
            [sessions] = superuser.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'st_chat_app'"
            ).fetchone() or [1]
    assert (sessions, api.pool.open) == (0, 0)
    server.stop()
    with ThreadPoolExecutor(1) as pool:
        turns = pool.submit(ChatHistory(api).turns, user)
        time.sleep(1.5)
        assert not turns.done()
        server.start()
        front.target = server.port
        assert len(turns.result(30)) == 50
    kill(server)
    with pytest.raises(UnavailableError):
        ChatHistory(api).with_timeout(0.5).turns(user)


class Secrets:
    """Secrets Manager with one secret."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803, ARG002
        self.reads += 1
        return {"SecretString": json.dumps({"username": "st_chat_app", "password": self.password})}


def test_a_rotation_under_load(server: LocalPostgres, client: Client, user: str) -> None:
    """The role's password changes first, the secret half a second later, as stchat.rotation does; meanwhile sessions
    are ended, so that new ones have to log in. No call fails."""
    secrets = Secrets("of st_chat_app")
    api = client(SecretLogin("arn", cast("SecretsManagerClient", secrets)), pool_size=4)
    history = ChatHistory(api)
    ends = time.monotonic() + 5

    def work(caller: int) -> int:
        number = 0
        while time.monotonic() < ends:
            history.add(user, f"{caller}", number, "a", "b")
            number += 1
        return number

    with server.connect() as superuser, ThreadPoolExecutor(8) as pool:
        counts = [pool.submit(work, caller) for caller in range(8)]
        try:
            for password in ("second", "third"):
                time.sleep(1)
                superuser.execute(f"ALTER ROLE st_chat_app PASSWORD '{password}'")
                for _ in range(5):
                    superuser.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'st_chat_app'"
                    )
                    time.sleep(0.1)
                secrets.password = password
            done = [count.result(60) for count in counts]
        finally:
            superuser.execute("ALTER ROLE st_chat_app PASSWORD 'of st_chat_app'")
        assert superuser.execute("SELECT 1").fetchone() == (1,)
    assert sum(theme.turns for theme in history.themes(user)) == sum(done)
    assert 3 <= secrets.reads < 200
    secrets.password = "wrong"
    api.close()
    with pytest.raises(DatabaseError) as raised:
        client(SecretLogin("arn", cast("SecretsManagerClient", secrets)), timeout=0.5).execute("SELECT 1")
    assert raised.value.sqlstate == "28P01"
    assert "wrong" not in str(raised.value)


def test_users_words_are_in_no_error(client: Client, user: str) -> None:
    """Not even in its traceback: PostgreSQL's detail holds the row."""
    api = client()
    insert = "INSERT INTO st_chat_history_table (userid, themename, chatid, userinput) VALUES (:u, 't', -1, 'canary')"
    with pytest.raises(DatabaseError) as raised, api.transaction() as transaction:
        transaction.execute("SELECT st_chat_as(:u)", {"u": user})
        transaction.execute(insert, {"u": user})
    assert raised.value.sqlstate == "23514"
    assert raised.value.detail == ""
    shown = "".join(traceback.format_exception(raised.value))
    assert user not in shown
    assert "Failing row" not in shown


def test_a_statement_that_takes_too_long(client: Client) -> None:
    api = client()
    with pytest.raises(StatementTimeoutError, match="statement timeout: it was rolled back"), api.transaction() as long:
        long.execute("SET LOCAL statement_timeout = '0.2s'")
        long.execute("SELECT pg_sleep(5)")


def test_a_session_keeps_nothing_of_a_call(client: Client) -> None:
    api = client(pool_size=1)
    api.execute("SET search_path = nowhere")
    assert api.execute("SHOW search_path").rows == [{"search_path": '"$user", public'}]
    api.execute("SELECT set_config('stchat.userid', 'another', false)")
    assert api.execute("SELECT current_setting('stchat.userid', true) AS userid").rows[0]["userid"] in (None, "")
    with api.transaction() as transaction:
        transaction.execute("SET statement_timeout = 0")
    assert api.execute("SHOW statement_timeout").rows == [{"statement_timeout": "45s"}]
    assert api.pool.open == 1
