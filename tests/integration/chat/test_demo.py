"""The conversation that `make up` ends with."""

from __future__ import annotations

from pathlib import Path

from local import demo
from local.state import Cloud
from tests.integration.house import House


def test_it_is_kept_once_and_each_question_finds_its_answer(house: House, tmp_path: Path) -> None:
    port = int(house.endpoint.url.rpartition(":")[2])
    here = Cloud(directory=tmp_path, aws_port=port, data_api_port=port)
    deployed = {
        "STCHAT_CLUSTER_ARN": house.app.cluster_arn,
        "STCHAT_APP_SECRET_ARN": house.app.secret_arn,
        "STCHAT_DATABASE": house.app.database,
    }
    first = list(demo.lines(here, deployed))
    assert list(demo.lines(here, deployed)) == first
    counts = [
        house.master.execute(f"SELECT count(*)::int AS n FROM {table} WHERE userid = '{demo.USER}'").rows[0]["n"]
        for table in ("st_chat_history_table", "st_chat_history_vector_table")
    ]
    assert counts == [4, 4]
    assert first[0] == "4 turns and their summaries, kept as st_chat_app for the user 'demo'"
    for question, answer in zip(demo.QUESTIONS, (demo.CONVERSATION[0], demo.CONVERSATION[2]), strict=True):
        nearest = first[first.index(question) + 1]
        assert nearest.endswith(f"  {answer[4]}")
        assert 0.4 < float(nearest.split()[0]) < 1
    assert first[-1].endswith("no language model; on AWS they are Cohere's")
