"""What the local embeddings are good for: short questions find the right memory, in Japanese and in English."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.bedrock.vectors import DIMENSIONS, embed

QUESTIONS = {
    "犬の名前は?": "ユーザーは柴犬を飼っていて、名前はポチ。",
    "好きな食べ物は何だった?": "好きな食べ物は寿司と天ぷらで、辛い料理は苦手。",
    "いつ京都に旅行する?": "来月、家族と京都へ旅行する計画を立てている。",
    "アレルギーはある?": "卵アレルギーがあるので、レシピは卵なしがよい。",
    "どこで働いている?": "大阪の病院で看護師として働いている。",
    "誕生日はいつ?": "娘の誕生日は七月三日で、プレゼントを探している。",
    "プログラミング言語は?": "仕事ではPythonを使い、Rustを勉強中。プログラミング言語の話が多い。",
    "ギターの練習はどう?": "週に三回ギターを練習していて、発表会は十二月。",
    "引っ越し先の話": "春に福岡へ引っ越すため、部屋を探している。",
    "腰痛の相談をした?": "長時間座るため腰痛があり、ストレッチを相談した。",
    "映画は何を見た?": "週末に宇宙の映画を見て、感動したと話した。",
    "車の修理代": "車のブレーキを修理して、費用は八万円だった。",
    "What is my dog's name?": "The user has a Shiba dog; it is named Pochi.",
    "Which food do I like?": "Their favourite food is sushi and tempura; spicy dishes are not for them.",
    "When do I travel to Kyoto?": "Planning a family trip to Kyoto next month, travelling by train.",
    "Do I have allergies?": "The user is allergic to eggs, so recipes should be without eggs.",
    "Where do I work?": "Works as a nurse in a hospital in Osaka.",
    "When is the birthday?": "The daughter's birthday is on July 3 and a present is being looked for.",
    "programming languages": "Uses Python at the office and is learning Rust, a programming language.",
    "How is my guitar practice going?": "Practises the guitar three times a week; the concert is in December.",
    "moving to another city": "Moves to Fukuoka in spring and is looking for an apartment in the city.",
    "Did I ask about back pain?": "Back pain from sitting long hours; stretching was advised.",
    "Which movie did I watch?": "Watched a movie about space at the weekend and was moved by it.",
    "cost of the car repair": "The brakes of the car were repaired, which cost 600 dollars.",
}
MEMORIES = {text: embed(text) for text in QUESTIONS.values()}


def similarity(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_finds_its_memory_among_those_of_both_languages(question: str) -> None:
    asked = embed(question)
    assert max(MEMORIES, key=lambda text: similarity(asked, MEMORIES[text])) == QUESTIONS[question]


@pytest.mark.parametrize("text", ["", " ", "?!", "\N{DOG FACE}", "مرحبا", "a" * 2048, "x\ud800", "犬" * 2048])
def test_every_text_has_a_vector_of_length_1(text: str) -> None:
    vector = embed(text)
    assert len(vector) == DIMENSIONS
    assert math.hypot(*vector) == pytest.approx(1)


def test_width_and_case_make_no_difference() -> None:
    assert embed("ﾎﾟﾁと ＤＯＧ") == embed("ポチと dog")


def test_another_process_has_the_same_vectors() -> None:
    code = "from local_aws.bedrock.vectors import embed; print(embed('犬の名前 of a dog'))"
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] == f"{embed('犬の名前 of a dog')}\n"
