"""What a call leaves whose answer was lost: what an undisturbed run leaves."""

from __future__ import annotations

import pytest

from stchat.data_api import DataApi
from stchat.errors import DatabaseError
from stchat.langgraph import DataApiSaver
from tests.support.checkpoints import LARGE, OPERATIONS, dump, put_and_read
from tests.support.migrated_database import MigratedDatabase


@pytest.mark.parametrize("kind", ["error_before", "drop_after"])
def test_a_lost_answer_leaves_what_an_undisturbed_run_leaves(
    migrated: MigratedDatabase, user: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call is met twice: it runs up to three times."""
    monkeypatch.setattr("tests.support.checkpoints.empty_checkpoint", lambda: {"v": 4, "ts": "", "versions_seen": {}})
    quiet, met = DataApiSaver(migrated.app, f"quiet {user}"), DataApiSaver(migrated.app, f"met {user}")
    for name, step in OPERATIONS.items():
        undisturbed = step(quiet)
        migrated.endpoint.add_fault(kind, operation="ExecuteStatement", sql="st_chat_", count=2)
        assert (name, step(met)) == (name, undisturbed)
        assert (name, dump(migrated, met.userid)) == (name, dump(migrated, quiet.userid))
    assert [len(rows) for rows in dump(migrated, met.userid).values()] == [1, 2, 3, 3, 0, 0]


def test_a_lost_answer_within_a_transaction(
    migrated: MigratedDatabase, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.checkpoints.empty_checkpoint", lambda: {"v": 4, "ts": "", "versions_seen": {}})
    monkeypatch.setattr("stchat.state.streams.REQUEST_BYTES", 30_000)
    monkeypatch.setattr("stchat.state.streams.PART_BYTES", 20_000)
    quiet = DataApiSaver(migrated.app, f"quiet {user}")
    put_and_read(quiet, LARGE[:50_000])
    for number, (operation, sql) in enumerate(
        [("BeginTransaction", ""), ("ExecuteStatement", "st_chat_upload"), ("ExecuteStatement", "st_chat_put"),
         ("CommitTransaction", "")]
    ):  # fmt: skip
        met = DataApiSaver(migrated.app, f"met {number} {user}")
        migrated.endpoint.add_fault("drop_after", operation=operation, count=2, **({"sql": sql} if sql else {}))
        put_and_read(met, LARGE[:50_000])
        migrated.endpoint.clear_faults()
        assert dump(migrated, met.userid) == dump(migrated, quiet.userid)


def test_data_that_was_never_uploaded(migrated: MigratedDatabase, user: str) -> None:
    sql = "SELECT st_chat_write_state(:userid, 'k', NULL, NULL) AS swept"
    app: DataApi = migrated.app
    with pytest.raises(DatabaseError, match=r"^data must be given, or uploaded before in this transaction$"):
        app.execute(sql, {"userid": user})
