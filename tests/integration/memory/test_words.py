"""Memories found by their words, by meaning, and by both; over both transports."""

from __future__ import annotations

import pytest

from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.memory import ChatMemory
from stchat.chat.recall import Memory
from stchat.errors import InputError
from tests.support.faults import Watched, data_api, watched
from tests.support.vectors import axis

SUMMARIES = [
    "柴犬のポチを飼っている",
    "犬小屋ではなく家の中で猫を飼う",
    "ネコの餌は毎朝あげる",
    "製品コード AB-1234 の在庫を確認した",
    "the order number is ZX81-77, sent to Ms. Müller",
    "お茶を飲むときは必ず桜餅を食べる",
    "すしが好きで、とくにまぐろ",
    "Ｗｉ－Ｆｉ のパスワードを変えた",
    "髙橋さんに会った",
    "she visits 釜山 and 부산시 each spring",
]


@pytest.fixture
def known(memory: ChatMemory, user: str) -> ChatMemory:
    """All of them equally far from every question."""
    memory.remember_many(
        {"userid": user, "theme": "ab"[number % 2], "chatid": number, "summary": summary, "metadata": {"n": number},
         "vector": axis(number + 10)}
        for number, summary in enumerate(SUMMARIES)
    )  # fmt: skip
    return memory


def chatids(found: list[Memory]) -> list[int]:
    return [one.chatid for one in found]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("犬", [0]), ("柴犬", [0]), ("ﾎﾟﾁ", [0]), ("ﾈｺ", [2]), ("猫の話", [1]), ("茶", [5]), ("桜餅", [5]),
        ("すし", [6]), ("まぐろ", [6]), ("AB-1234", [3]), ("ＡＢ－１２３４", [3]), ("ab 1234 は?", [3]), ("zx81", [4]),
        ("MÜLLER", [4]), ("wi-fi", [7]), ("パス", [7]), ("髙橋", [8]), ("부산", [9]), ("釜山", [9]),
    ],
)  # fmt: skip
def test_words_are_found_whatever_their_form(known: ChatMemory, user: str, query: str, found: list[int]) -> None:
    lexical = known.recall(user, query, mode="lexical")
    assert chatids(lexical) == found
    assert [(one.score, one.lexical, one.semantic, one.similarity) for one in lexical] == [(1.0, 1.0, None, None)]
    assert known.recall_vector(user, axis(3), text=query)[0].chatid == found[0]


@pytest.mark.parametrize("query", ["🎉🎉", "これはその", "the of and to", "qwxyz 鑾鑿", "ー", "。。。", "' OR 1=1 --"])
def test_a_question_without_a_known_word(known: ChatMemory, user: str, query: str) -> None:
    assert known.recall(user, query, mode="lexical") == []
    hybrid = known.recall_vector(user, axis(13), text=query)
    assert len(hybrid) == len(SUMMARIES)
    assert (hybrid[0].chatid, hybrid[0].semantic, hybrid[0].lexical, hybrid[0].score) == (3, 1.0, 0.0, 0.5)


def test_both_parts_make_the_score(known: ChatMemory, user: str) -> None:
    by_vector = known.recall_vector(user, axis(13))
    assert (by_vector[0].chatid, by_vector[0].score, by_vector[0].lexical) == (3, by_vector[0].similarity, None)
    both = known.recall_vector(user, axis(13), text="柴犬 ポチ")
    assert {(one.chatid, one.score) for one in both[:2]} == {(3, 0.5), (0, 0.5)}
    for one in both:
        assert one.semantic is not None and one.lexical is not None
        assert one.score == pytest.approx((one.semantic + one.lexical) / 2)
    rare = known.recall(user, "釜山 飼う 猫", mode="lexical")
    assert chatids(rare) == [1, 9, 0], "two words are better than one, and a rare one is better than a frequent one"


def test_a_theme_and_metadata(known: ChatMemory, user: str) -> None:
    assert set(chatids(known.recall(user, "ポチ 猫 在庫", theme="b", mode="lexical"))) == {1, 3}
    assert chatids(known.recall(user, "ポチ 猫 在庫", metadata={"n": 0}, mode="lexical")) == [0]
    assert chatids(known.recall(user, "ポチ 猫 在庫", theme="b", metadata={"n": 0}, mode="lexical")) == []
    assert chatids(known.recall_vector(user, axis(1), theme="a", metadata={"n": 0}, text="猫")) == [0]


def test_a_question_of_400_000_bytes(known: ChatMemory, user: str) -> None:
    long = "桜餅" + "あ" * 133_330
    assert chatids(known.recall(user, long, mode="lexical")) == [5]
    assert known.recall(user, long, k=1)[0].chatid == 5
    assert known.recall_vector(user, axis(13), text="😀" * 100_000)[0].chatid == 3


def test_long_memories_and_names(memory: ChatMemory, user: str) -> None:
    """Of the first 8,000 characters the words are known; names take their room in the index."""
    long = "".join(chr(0x4E00 + number) for number in range(7_000)) + " needle " + "x " * 50_000 + "beyond"
    memory.remember(user, "t" * 1_000, 1, long, vector=axis(1))
    assert chatids(memory.recall(user, "needle", mode="lexical")) == [1]
    assert memory.recall(user, "beyond", mode="lexical") == []


def test_what_is_written_later_counts(known: ChatMemory, user: str) -> None:
    assert known.delete(user, chatid=0) == 1
    assert known.recall(user, "ポチ", mode="lexical") == []
    known.remember(user, "a", 0, "ポチは元気", vector=axis(1))
    assert chatids(known.recall(user, "ポチ", mode="lexical")) == [0]


def test_lexical_asks_no_model(known: ChatMemory, user: str) -> None:
    data = Watched(data_api(known.api).client)
    bedrock = Watched(known.embedder.client)  # type: ignore[attr-defined]
    counted = ChatMemory(watched(data_api(known.api), data), CohereEmbedder(bedrock))  # type: ignore[arg-type]
    assert chatids(counted.recall(user, "ポチ", mode="lexical")) == [0]
    assert (data.calls, bedrock.calls) == (["execute_statement"], [])
    counted.recall(user, "ポチ")
    assert (data.calls, bedrock.calls) == (["execute_statement"] * 2, ["invoke_model"])


def test_no_word_of_another_user_counts(known: ChatMemory, user: str) -> None:
    """Neither in what is found nor in the weights: with and without a neighbour who says the same all the time."""
    before = known.recall(user, "柴犬 と 猫 と お茶", mode="lexical")
    other = f"other {user}"
    known.remember_many(
        {"userid": other, "theme": "a", "chatid": number, "summary": f"柴犬 {number} secret", "vector": axis(number)}
        for number in range(90)
    )
    assert known.recall(user, "柴犬 と 猫 と お茶", mode="lexical") == before
    assert known.recall(user, "secret", mode="lexical") == []
    assert len(known.recall(other, "secret", k=100, mode="lexical")) == 90


def test_a_blank_text_is_refused(memory: ChatMemory, user: str) -> None:
    with pytest.raises(InputError) as raised:
        memory.recall_vector(user, axis(1), text=" ")
    assert str(raised.value) == "text must not be blank, got 1 blank characters"
