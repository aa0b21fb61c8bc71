"""A user's items in an export, an erasure and an import."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from langgraph.store.base import PutOp

from stchat.chat import ChatHistory, ChatMemory, CohereEmbedder
from stchat.errors import InputError
from stchat.langgraph import DataApiStore
from stchat.ops.chat_import import Import, Progress
from stchat.ops.user_data import erase, export
from tests.support.migrated_database import MigratedDatabase


def quiet(_: str | Progress) -> None: ...


def test_export_erase_and_import(
    migrated: MigratedDatabase, embedder: CohereEmbedder, user: str, tmp_path: Path
) -> None:
    memory = ChatMemory(migrated.app, embedder)
    store, here = DataApiStore(memory), (user, "a")
    store.batch(
        [PutOp((*here, str(n)), f"k{n}", {"t": f"soup {n}", "n": n}, ttl=60.0 if n % 2 else None) for n in range(9)]
    )
    store.put(here, "file", {"text": "長い " * 20_000, "f": 1e300, "kind": "file"}, index=False)

    def answers() -> list[object]:
        found = [*store.search((user,), limit=20), *store.search((user,), query="soup 7", filter={"n": {"$gt": 3}})]
        return [one.dict() for one in [*found, *store.search(here, filter={"kind": "file"})]]

    before, file = answers(), io.StringIO()
    assert export(migrated.app, user, file, quiet) == {"turns": 0, "memories": 9, "items": 10}
    assert erase(migrated.app, user, quiet).rows["st_chat_store_item"] == 10
    assert store.search((user,)) == []
    path = tmp_path / "user.jsonl"
    path.write_text(file.getvalue())
    for created, existing in ((19, 0), (0, 19)):
        done = Import(ChatHistory(migrated.app), memory, path, quiet).run()
        assert (done.created, done.existing) == (created, existing)
        assert answers() == before
    store.put((*here, "1"), "k1", {"t": "anew"}, ttl=None)
    assert store.search((user, "a", "1"), query="soup")[0].value == {"t": "anew"}
    path.write_text(file.getvalue().splitlines()[-1].replace('"namespace":".a', '"namespace":"a'))
    with pytest.raises(InputError, match=r'line 1.namespace must begin with ".", got text of 1 characters'):
        Import(ChatHistory(migrated.app), memory, path, quiet).run(check=True)
