"""docs/import.md, in both languages, has every field that a line of an import may have."""

from __future__ import annotations

import re

import pytest

from stchat.chat.batches import _NAMES as MEMORY
from stchat.chat.batches import _TURN_NAMES as TURN
from stchat.errors import InputError
from stchat.ops import store_items
from stchat.ops.cli.main import main
from tests.support.repository import REPOSITORY

ITEM = {"userid": "u", "namespace": ".a", "key": "k", "value": {}, "indexed": False}


@pytest.mark.parametrize("document", ["docs/import.md", "docs/ja/import.md"])
def test_every_field_has_a_row(document: str) -> None:
    chat, item = [
        {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
        for table in re.split(r"\n\n", (REPOSITORY / document).read_text())
        if "| `expires_at` |" in table
    ]
    assert chat == {*MEMORY, *TURN}
    assert item | {"userid"} == {*store_items._NAMES}


@pytest.mark.parametrize("words", [["user", "export"], ["chat", "import"]])
def test_the_help_names_what_a_file_holds(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    assert "turns, memories and items of LangGraph's store" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("size", [996, 997])
def test_a_key_is_as_long_as_in_the_store(size: int) -> None:
    item = ITEM | {"key": "x" * size}
    if size == 996:
        assert store_items.prepare(item, "")["key"] == "x" * size
        return
    with pytest.raises(InputError) as raised:
        store_items.prepare(item, "line 7.")
    message = "line 7.namespace and key must have at most 1,000 bytes of UTF-8, got 1,001: use a shorter one, such as a"
    assert str(raised.value) == f"{message} hash of it"
