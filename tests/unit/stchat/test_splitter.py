"""Generated SQL, split by `load`: every piece is the statement that was generated, byte for byte, and its tree."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from postgast import fingerprint

from stchat.sql_lint.parse import load

# Everything that could end a statement, a string or a comment too early, but for what the Data API would change.
MESS = st.lists(
    st.sampled_from([";", "--", "/*", "*/", "$", "$$", "$b$", "\n", " x", "BEGIN", "END;", "é", "𝄞", "\\", '"']),
    max_size=8,
).map("".join)

names = st.sampled_from(["t", "größe", "表", '"a;b"', '"--"', '"$$"', 'U&"d\\0061t"', '"it""s"', '"𝄞"'])
plain = MESS.map(lambda text: "'" + text.replace("'", "''") + "'")
escaped = MESS.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "\\n'")
tags = st.sampled_from(["$$", "$a$", "$été$", "$_1$"])
dollar = (
    st.tuples(tags, MESS)
    .filter(lambda pair: pair[0] not in f"{pair[1]}{pair[0][:-1]}")
    .map(lambda p: p[0] + p[1] + p[0])
)
strings = st.one_of(plain, escaped, dollar)
comments = st.one_of(
    MESS.map(lambda text: "-- " + text.replace("\n", " ") + "\n"),
    MESS.filter(lambda text: "/*" not in text and "*/" not in text and not text.endswith("/")).map(
        lambda text: f"/* {text} /* {text} */ */"
    ),
)
gaps = st.lists(st.one_of(st.sampled_from([" ", "\n", "\t", "\r\n"]), comments), max_size=3).map("".join)

statements = st.one_of(
    st.builds(lambda a, gap, b: f"SELECT {a} AS {b}{gap or ' '}, {a}", strings, gaps, names),
    st.builds(lambda name, text: f"COMMENT ON TABLE {name} IS {text}", names, plain),
    st.builds(lambda text: f"DO $body$ BEGIN PERFORM $in${text.replace('$', '')}$in$; END $body$", MESS),
    st.builds(
        lambda name, a, gap: f"CREATE FUNCTION {name}() RETURNS text BEGIN ATOMIC SELECT {a};{gap} SELECT {a}; END",
        names,
        strings,
        gaps,
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(gaps, statements, gaps), min_size=1, max_size=6))
def test_splits(parts: list[tuple[str, str, str]]) -> None:
    text = ";".join(before + "\n" + statement + after + "\n" for before, statement, after in parts)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "app").mkdir()
        (directory / "app" / "0001_x.sql").write_bytes(text.encode())
        (migration,) = load(directory).migrations
        pieces = [statement.text for statement in migration.read(directory).statements]
    assert pieces == [statement for _, statement, _ in parts]
    assert [fingerprint(piece).hex for piece in pieces] == [fingerprint(statement).hex for _, statement, _ in parts]
