"""What st_chat_remember, st_chat_recall and st_chat_forget do, as the application's role."""

from __future__ import annotations

import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.memory_functions import memory, recall, refused, remember, text, unit
from tests.support.migrated_database import MigratedDatabase


def count(migrated: MigratedDatabase, userid: str) -> tuple[int, int]:
    """Memories and their codes."""
    sql = """
        SELECT (SELECT count(*) FROM st_chat_history_vector_table WHERE userid = :userid) AS memories,
               (SELECT count(*) FROM st_chat_memory_code WHERE userid = :userid) AS codes"""
    [row] = migrated.master.execute(sql, {"userid": userid}).rows
    return row["memories"], row["codes"]


def test_what_is_remembered_is_recalled(migrated: MigratedDatabase, user: str) -> None:
    items = [memory(user, chatid, metadata={"n": chatid}) for chatid in range(5)]
    assert remember(migrated.app, *items) == [True] * 5
    found = recall(migrated.app, user, unit("t 3"), k=3)
    assert found[0]["chatid"] == 3
    assert len(found) == 3
    first = found[0]
    assert (first["theme"], first["metadata"], first["part"], first["chat_summary"]) == ("t", {"n": 3}, 0, "summary 3")
    for row in found:
        exact = sum(a * b for a, b in zip(unit("t 3"), unit(f"t {row['chatid']}"), strict=True))
        assert math.isclose(row["similarity"], exact, abs_tol=1e-6)
    assert [row["similarity"] for row in found] == sorted((row["similarity"] for row in found), reverse=True)
    assert recall(migrated.app, user, unit("t 3"), k=0) == []
    assert recall(migrated.app, f"not {user}", unit("t 3")) == []


def test_the_similarity_is_the_cosine_of_any_lengths(migrated: MigratedDatabase, user: str) -> None:
    half = [number / 2 for number in unit("a")]
    opposite = [-number * 3 for number in unit("a")]
    nothing = [0.0] * 1024
    for chatid, vector in enumerate((half, opposite, nothing)):
        assert remember(migrated.app, memory(user, chatid, vector=text(vector))) == [True]
    found = {row["chatid"]: row["similarity"] for row in recall(migrated.app, user, unit("a"))}
    assert found == pytest.approx({0: 1.0, 1: -1.0, 2: 0.0}, abs=1e-6)


def test_a_memory_is_one_however_often_it_comes(migrated: MigratedDatabase, user: str) -> None:
    first, other = memory(user, 1, metadata={"a": 1}), memory(user, 1, summary="another")
    assert remember(migrated.app, first, other, first) == [True, True, False]
    assert remember(migrated.app, first | {"metadata": {"a": 2}, "vector": text(unit("new"))}) == [False]
    [found] = recall(migrated.app, user, unit("new"), k=1)
    assert (found["metadata"], found["chat_summary"]) == ({"a": 2}, "summary 1")
    assert found["similarity"] == pytest.approx(1, abs=1e-6)
    assert count(migrated, user) == (2, 2)


def test_the_rule_holds_for_other_ways_in(migrated: MigratedDatabase, user: str) -> None:
    insert = "INSERT INTO st_chat_history_vector_table (userid, theme, chatid, chat_summary, chat_vector)"
    values = {"userid": user, "vector": text(unit(1))}
    more = f"{insert} SELECT :userid, 't', 1, 'the same', :vector::vector FROM generate_series(1, 3)"
    assert migrated.master.execute(more, values).updated == 1
    assert migrated.master.execute(more, values).updated == 0
    assert count(migrated, user) == (1, 1)
    [found] = recall(migrated.app, user, unit(1))
    assert found["chat_summary"] == "the same"
    table = "st_chat_history_vector_table"
    migrated.master.execute(
        f"UPDATE {table} SET theme = 'u', chat_summary = 'corrected' WHERE userid = :userid", {"userid": user}
    )
    assert [row["chat_summary"] for row in recall(migrated.app, user, unit(1), theme="u")] == ["corrected"]
    assert remember(migrated.app, memory(user, 1, "u", summary="corrected", vector=text(unit(2)))) == [False]
    assert recall(migrated.app, user, unit(2))[0]["similarity"] == pytest.approx(1, abs=1e-6)
    assert remember(migrated.app, memory(user, 2, "u", summary="corrected")) == [True]
    assert (
        migrated.master.execute(f"UPDATE {table} SET chatid = 1 WHERE userid = :userid", {"userid": user}).updated == 2
    )
    assert count(migrated, user) == (2, 2), "one that becomes the same as another stays the second"
    assert remember(migrated.app, memory(user, 1, "u", summary="corrected")) == [False]
    migrated.master.execute(f"DELETE FROM {table} WHERE userid = :userid", {"userid": user})
    assert count(migrated, user) == (0, 0)


def test_filters(migrated: MigratedDatabase, user: str) -> None:
    items = [
        memory(user, chatid, "even" if chatid % 2 == 0 else "odd", metadata={"tags": [chatid % 3], "n": {"x": chatid}})
        for chatid in range(30)
    ]
    remember(migrated.app, *items)
    asked = unit("even 4")
    assert {row["chatid"] % 2 for row in recall(migrated.app, user, asked, theme="odd")} == {1}
    by_tag = recall(migrated.app, user, asked, 20, metadata={"tags": [1]})
    assert by_tag[0]["chatid"] == 4
    assert {row["chatid"] for row in by_tag} == {n for n in range(30) if n % 3 == 1}
    both = recall(migrated.app, user, asked, 20, "odd", {"tags": [1]})
    assert {row["chatid"] for row in both} == {n for n in range(30) if n % 3 == 1 and n % 2}
    assert len(recall(migrated.app, user, asked, 100, metadata={})) == 30
    assert [row["chatid"] for row in recall(migrated.app, user, asked, metadata={"n": {"x": 7}})] == [7]
    assert recall(migrated.app, user, asked, theme="no such theme") == []


def test_forget(migrated: MigratedDatabase, user: str) -> None:
    sql = "SELECT st_chat_forget(:userid::text, :theme::text, :chatid::bigint) AS n"

    def forget(theme: str | None = None, chatid: int | None = None) -> int:
        return int(migrated.app.execute(sql, {"userid": user, "theme": theme, "chatid": chatid}).rows[0]["n"])

    remember(migrated.app, *(memory(user, chatid, theme) for chatid in range(4) for theme in ("a", "b", "c")))
    other = f"other {user}"
    remember(migrated.app, memory(other, 1, "a"))
    assert forget("a", 1) == 1
    assert forget("a", 1) == 0
    assert forget(None, 2) == 3
    assert forget("b") == 3
    assert count(migrated, user) == (5, 5)
    assert forget() == 5
    assert count(migrated, user) == (0, 0)
    assert count(migrated, other) == (1, 1)
    assert remember(migrated.app, memory(user, 1, "a")) == [True]


@pytest.mark.parametrize("length", [0, 1, 7_000, 7_001, 100_000])
def test_long_texts_come_in_parts(migrated: MigratedDatabase, user: str, length: int) -> None:
    """Four bytes a character, so that a part is as large as one can be."""
    summary = "".join("😀🦣👩‍🚀"[n % 3] for n in range(length))
    remember(migrated.app, memory(user, 1, summary=summary, metadata={"m": 1}))
    rows = recall(migrated.app, user, unit("t 1"))
    assert "".join(row["chat_summary"] for row in rows) == summary
    assert [row["part"] for row in rows] == list(range(max(1, math.ceil(length / 7_000))))
    assert [row["metadata"] for row in rows] == [{"m": 1}] + [None] * (len(rows) - 1)


def test_what_cannot_be_remembered(migrated: MigratedDatabase, user: str) -> None:
    sql = "SELECT * FROM st_chat_remember(:items::jsonb)"
    assert refused(migrated.app, sql, items=[memory("")]) == "22023"
    assert refused(migrated.app, sql, items=[memory(user, vector="[1,2]")]) == "22000"
    assert refused(migrated.app, sql, items=[memory(user, -1)]) == "23514"
    assert refused(migrated.app, sql, items=[memory(user), memory(user, 2, summary=None)]) == "23502"
    assert refused(migrated.app, sql, items=[memory(user, theme=random.Random(1).randbytes(3_000).hex())]) == "54000"
    assert count(migrated, user) == (0, 0)


def test_callers_at_once_with_the_same_memories(migrated: MigratedDatabase, user: str) -> None:
    """32 callers, each with half of the same 64 memories in an order of its own, some forgetting in between."""
    items = [memory(user, chatid, metadata={"n": chatid}) for chatid in range(64)]

    def call(number: int) -> int:
        mine = [items[(number * 7 + step * (2 * number + 1)) % 64] for step in range(32)]
        return sum(remember(migrated.app, *mine))

    with ThreadPoolExecutor(32) as pool:
        written = sum(pool.map(call, range(32)))
    memories, codes = count(migrated, user)
    assert memories == codes == written
    assert memories == len({row["chatid"] for row in recall(migrated.app, user, unit(0), 100)})
