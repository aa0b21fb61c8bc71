"""Placeholders by AWS's rules, and one statement a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.data_api.tokens import is_one_statement, numbered


@pytest.mark.parametrize(
    ("sql", "rewritten", "names"),
    [
        ("SELECT :a", "SELECT $1", ["a"]),
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ["a", "b"]),
        ("SELECT :1, :0", "SELECT $1, $2", ["1", "0"]),
        ("SELECT :名前", "SELECT $1", ["名前"]),
        ("SELECT :a_1+:a", "SELECT $1+$2", ["a_1", "a"]),
        ("SELECT :a::int", "SELECT $1::int", ["a"]),
        ("SELECT '1'::int", "SELECT '1'::int", []),
        ("SELECT x:::a", "SELECT x::$1", ["a"]),
        ("x := 1", "x := 1", []),
        ("x :=:a", "x :=$1", ["a"]),
        ("SELECT ': a', ':a', 'it''s :a'", "SELECT ': a', ':a', 'it''s :a'", []),
        (r"SELECT E'\':a', e'\\', :b", r"SELECT E'\':a', e'\\', $1", ["b"]),
        (r"SELECT '\', :b", r"SELECT '\', $1", ["b"]),
        (r"SELECT name'\', :b", r"SELECT name'\', $1", ["b"]),
        ('SELECT ":a", "a"":b"', 'SELECT ":a", "a"":b"', []),
        ("SELECT 1 -- :a\n, :b", "SELECT 1 -- :a\n, $1", ["b"]),
        ("SELECT 1 -- :a", "SELECT 1 -- :a", []),
        ("SELECT /* :a /* :b */ :c */ :d", "SELECT /* :a /* :b */ :c */ $1", ["d"]),
        ("SELECT 1 /* :a", "SELECT 1 /* :a", []),
        ("SELECT 'open :a", "SELECT 'open :a", []),
        ("SELECT $$a :b c$$", "SELECT $$a $1 c$$", ["b"]),
        ("SELECT $x$ ':a' :b $x$", "SELECT $x$ ':a' $1 $x$", ["b"]),
        ("SELECT a[1:2]", "SELECT a[1$1]", ["2"]),
        ("SELECT a[1: 2]", "SELECT a[1: 2]", []),
        ("", "", []),
    ],
)
def test_numbered(sql: str, rewritten: str, names: list[str]) -> None:
    assert numbered(sql) == (rewritten, tuple(names))


@pytest.mark.parametrize(
    ("sql", "one"),
    [
        ("SELECT 1", True),
        ("SELECT 1;", True),
        ("SELECT 1;; ; -- more\n /* ; SELECT 2 /* */ */", True),
        ("SELECT 1; SELECT 2", False),
        (";SELECT 1", False),
        ("SELECT 1; 'text'", False),
        ("SELECT 1; $$text$$", False),
        ("SELECT 1; /* */ SELECT 2", False),
        ("SELECT 1 -- ;\n; SELECT 2", False),
        ("SELECT ';', \";\", E'\\';' -- ;", True),
        ("DO $$ BEGIN PERFORM 1; END; $$", True),
        ("DO $a$ ; $$ ; $b$ ; $a$;", True),
        ("DO $a$ ; $a$; SELECT 1", False),
        ("SELECT a$b$ ; SELECT $b$", False),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", True),
        ("", True),
    ],
)
def test_is_one_statement(sql: str, one: bool) -> None:
    assert is_one_statement(sql) is one


@given(st.text(alphabet="ab1:'\"$-/*;\\ \nE"))
def test_any_text_is_read_to_its_end(sql: str) -> None:
    rewritten, names = numbered(sql)
    assert len(set(names)) == len(names)
    for name in names:
        assert f":{name}" in sql
    assert bool(names) == (rewritten != sql)
    is_one_statement(sql)
