"""What an attack on migrations 0047 and 0048 tried: words, keys, a first memory in between, statistics from before."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from benchmarks.search.candidates import teach
from benchmarks.search.server import HNSW, write
from stchat.handlers.schema import SQL
from tests.support.memory_functions import text, unit
from tests.support.migrated_database import DATABASE, MigratedDatabase, copy

TABLE = "st_chat_history_vector_table"
# One more or less than the sample of 150; names that differ in case, in an accent, in where they sort.
USERS = {
    "one": 1,
    "149": 149,
    "150": 150,
    "151": 151,
    "600": 600,
    "zoe'x": 30,
    "zoë'x": 30,
    "ZOE'X": 30,
    "!": 9,
    "\uffff": 9,
}
WORDS = [f"word{number:02}" for number in range(40)]
INSERT = f"INSERT INTO {TABLE} (primarykey, userid, theme, chatid, chat_summary, chat_vector) OVERRIDING SYSTEM VALUE "
ONE = f"VALUES (%s, 'keys', 't', 1, %s, '{text(unit(1))}')"
ANALYZE = f"ANALYZE {TABLE}, st_chat_memory_code, st_chat_memory_words"


@pytest.fixture(scope="module")
def attacked(migrated: MigratedDatabase) -> Iterator[tuple[MigratedDatabase, str]]:
    """With the name of a database of its own."""
    with copy(migrated, DATABASE) as name:
        with migrated.endpoint.psql(name) as superuser:
            superuser.execute(f"DROP INDEX {HNSW}".encode())
            superuser.execute(f"TRUNCATE {TABLE} RESTART IDENTITY".encode())
        yield migrated, name


@pytest.fixture
def database(attacked: tuple[MigratedDatabase, str]) -> Iterator[psycopg.Connection]:
    """The superuser, rolled back."""
    with attacked[0].endpoint.psql(attacked[1]) as connection, connection.transaction(force_rollback=True):
        teach(connection)
        yield connection


def fill(connection: psycopg.Connection, users: dict[str, int]) -> dict[int, tuple[str, str, set[str]]]:
    """Of each memory that has not expired: user, theme, words. A seventh has."""
    chance, known, sent = random.Random(47), {}, []
    vectors = np.random.default_rng(47).standard_normal((sum(users.values()), 1024)).astype(">f4")
    for number, userid in enumerate((user for user, count in users.items() for _ in range(count)), 1):
        words = {chance.choice(WORDS[: chance.choice((3, 40))]) for _ in range(chance.randrange(8))}
        theme = chance.choice("aab")
        known[number] = (userid, theme, words)
        summary = f"{' '.join(sorted(words))} n{number}".encode()
        vector = (1024).to_bytes(2, "big") + b"\0\0" + vectors[number - 1].tobytes()
        sent.append([userid.encode(), theme.encode(), number.to_bytes(8, "big"), summary, b"\1{}", vector])
    write(connection, sent)
    expired = datetime.now(UTC) - timedelta(hours=1)
    connection.execute(f"UPDATE {TABLE} SET expires_at = %s WHERE chatid %% 7 = 0".encode(), [expired])
    return {number: one for number, one in known.items() if number % 7}


def test_by_words_finds_all_that_hold_one_and_nothing_else(database: psycopg.Connection) -> None:
    known, chance = fill(database, USERS), random.Random(48)
    database.execute("SET LOCAL SESSION AUTHORIZATION st_chat_app")
    sql = "SELECT chatid, score, semantic, lexical FROM st_chat_recall(%s, %s, %s, %s, NULL, %s, %s)"
    for _ in range(120):
        userid, theme = chance.choice([*USERS, "without memories"]), chance.choice([None, "a", "b", "none"])
        asked = [*chance.sample(WORDS, chance.randint(1, 4)), "nowhere"]
        own = {n for n, (u, t, _) in known.items() if u == userid and theme in (None, t)}
        for mode, k, right in (
            ("lexical", 1000, {n for n in own if known[n][2] & set(asked)}), ("hybrid", 1000, own), ("hybrid", 10, own),
        ):  # fmt: skip
            vector = np.array(unit(len(asked)), dtype=np.float32)
            rows = database.execute(sql.encode(), [userid, vector, k, theme, " ".join(asked), mode]).fetchall()
            found = [row[0] for row in rows]
            assert len(found) == len(set(found)) == min(k, len(right)), (userid, theme, asked, mode)
            assert set(found) <= right
            assert all(score is None or 0 <= score <= 1 for row in rows for score in row[1:])


def test_words_are_those_of_filters_that_are_stored(database: psycopg.Connection) -> None:
    """As 0018 made them, whatever makes them now."""
    applied = (SQL / DATABASE / "0018_memory_words.sql").read_text()
    [old] = re.findall(r"CREATE FUNCTION st_chat_word_keys.*?\$\$;", applied, re.DOTALL)
    database.execute(old.replace("st_chat_word_keys", "keys_of_0018").encode())
    chance = random.Random(18)
    pools = [
        "abcXYZ019 _-.'\n", "the of a dog 犬 ", "あいかがしてますのゖ゛ゝ", "アイガーヴヺ・ヽヿ", "ｱｶﾞﾊﾟｰ｡",
        "漢京々〆〇㐀鿿", "豈﨑ﬀ", "가힣한", "ÄßẞİıΣς", "٣अआไทย", "😀👨‍👩‍👧🏽", "ＡＢ１！　", "①㍻㈱Ⅷ½",
        "\u0301\u3099\u309a", "\ufdd0\ufeff\xa0\x85", "𠀀𝐀𝟘",
    ]  # fmt: skip
    texts = ["", " ", "　", "a", "犬", "あ", "_", "a " * 5000, "犬" * 9000, "x" * 9000]
    for _ in range(300):
        some = chance.sample(pools, chance.randint(1, 4))
        texts.append("".join(chance.choice(chance.choice(some)) for _ in range(chance.choice((1, 2, 5, 30, 200)))))
    sql = """SELECT t FROM unnest(%s::text[]) AS t WHERE
        ARRAY(SELECT unnest(st_chat_word_keys(t)) ORDER BY 1) <> ARRAY(SELECT unnest(keys_of_0018(t)) ORDER BY 1)
        OR EXISTS (SELECT FROM unnest(st_chat_words_asked(t)) AS w
                   WHERE st_chat_word_key(w) <> ALL (keys_of_0018(left(t, 2000))))"""
    assert database.execute(sql.encode(), [texts]).fetchall() == []


@pytest.mark.parametrize("key", [-1, -(2**63), 2**52, 2**63 - 1])
def test_keys_that_recall_cannot_sort_are_refused(database: psycopg.Connection, key: int) -> None:
    database.execute((INSERT + ONE).encode(), [2**52 - 1, "highest"])
    for sql, values in (
        (INSERT + ONE, [key, "new"]),
        (INSERT + ONE + " ON CONFLICT DO NOTHING", [key, "highest"]),
        (f"UPDATE {TABLE} SET primarykey = %s WHERE userid = 'keys'", [key]),
        (f"MERGE INTO {TABLE} USING (VALUES ('keys')) AS v (u) ON userid = u"
         " WHEN MATCHED THEN UPDATE SET primarykey = %s", [key]),
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.CheckViolation, match="primarykey must be from 0 to 4503599627370495"), \
                database.transaction():  # fmt: skip
            database.execute(sql.encode(), values)


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_words_that_no_memory_holds_hide_none_that_one_holds(database: psycopg.Connection, mode: str) -> None:
    database.execute((INSERT + ONE).encode(), [1, "kyoto"])
    sql = "SELECT lexical FROM st_chat_recall('keys', %s, 5, NULL, NULL, %s, %s)"
    asked = "nowhere1 nowhere2 nowhere3 nowhere4 nowhere5 kyoto"
    assert database.execute(sql.encode(), [text(unit(1)), asked, mode]).fetchall() == [(1.0,)]


def test_a_first_memory_that_comes_in_between(attacked: tuple[MigratedDatabase, str]) -> None:
    """The words are chosen before it, and looked for after it."""
    errors: list[Exception] = []
    with attacked[0].endpoint.psql(attacked[1]) as writer, attacked[0].endpoint.psql(attacked[1]) as reader:
        [(old,)] = writer.execute("SELECT pg_get_functiondef('st_chat_word_key'::regproc)")
        writer.execute(old.replace("st_chat_word_key", "st_chat_word_key_itself").encode())
        writer.execute("""
            CREATE OR REPLACE FUNCTION st_chat_word_key(p_word text) RETURNS bigint LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared(47); RETURN st_chat_word_key_itself(p_word); END $$""")
        words = "word1 word2 word3 word4 word5 word6"

        def recall() -> None:
            try:
                reader.execute("SELECT FROM st_chat_recall('keys', NULL, 5, NULL, NULL, %s, 'lexical')", [words])
            except psycopg.Error as error:
                errors.append(error)

        try:
            writer.execute("SELECT pg_advisory_lock(47)")
            thread = threading.Thread(target=recall)
            thread.start()
            while not writer.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
                time.sleep(0.01)
            writer.execute((INSERT + ONE).encode(), [1, words])
            writer.execute("SELECT pg_advisory_unlock(47)")
            thread.join()
        finally:
            writer.execute(old.encode())
            writer.execute(f"DELETE FROM {TABLE} WHERE userid = 'keys'".encode())
    assert errors == []


def test_statistics_of_a_memory_a_user_change_nothing(database: psycopg.Connection) -> None:
    """As of a table that was analyzed when it was new: the words of what is near are read by their keys even so."""
    fill(database, {f"early {number}": 1 for number in range(60)})
    database.execute(ANALYZE.encode())
    database.execute(f"TRUNCATE {TABLE}".encode())
    fill(database, {"1000": 1000})
    database.execute("UPDATE st_chat_memory_coding SET slack = 300")
    read = "SELECT pg_stat_get_xact_tuples_returned('st_chat_memory_words_pkey'::regclass)"
    [(before,)] = database.execute(read.encode()).fetchall()
    asked = [np.array(unit(1), dtype=np.float32), " ".join(WORDS[-8:])]
    database.execute("SELECT FROM st_chat_recall('1000', %s, 200, NULL, NULL, %s)", asked)
    [(after,)] = database.execute(read.encode()).fetchall()
    assert 1000 < after - before < 4000  # entries: all of them, once or twice, a sample, and one for each that is near
