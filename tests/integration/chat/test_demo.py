"""The conversation that `make up` ends with."""

from __future__ import annotations

from pathlib import Path

from local_aws import sample_conversation
from local_aws.state import LocalAws
from tests.support.data_api_endpoint import write_key
from tests.support.migrated_database import MigratedDatabase


def test_it_is_kept_once_and_each_question_finds_its_answer(migrated: MigratedDatabase, tmp_path: Path) -> None:
    write_key(tmp_path)
    port = int(migrated.endpoint.url.rpartition(":")[2])
    here = LocalAws(directory=tmp_path, aws_port=port, data_api_port=port)
    deployed = {
        "STCHAT_CLUSTER_ARN": migrated.app.cluster_arn,
        "STCHAT_APP_SECRET_ARN": migrated.app.secret_arn,
        "STCHAT_DATABASE": migrated.app.database,
    }
    first = list(sample_conversation.lines(here, deployed))
    assert list(sample_conversation.lines(here, deployed)) == first
    counts = [
        migrated.master.execute(
            f"SELECT count(*)::int AS n FROM {table} WHERE userid = '{sample_conversation.USER}'"
        ).rows[0]["n"]
        for table in ("st_chat_history_table", "st_chat_history_vector_table")
    ]
    assert counts == [4, 4]
    assert first[0] == "4 turns and their summaries, kept as st_chat_app for the user 'demo'"
    with_shared_words = {0: 0, 1: 2}
    for question, answer in with_shared_words.items():
        nearest = first[first.index(sample_conversation.QUESTIONS[question]) + 1]
        assert nearest.endswith(f"  {sample_conversation.CONVERSATION[answer][4]}")
        assert 0.4 < float(nearest.split()[0]) < 1
    assert first[-1].endswith("no language model; on AWS they are Cohere's")
