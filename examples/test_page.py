"""The page's logic, without a browser."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from examples.texts import ENGLISH, JAPANESE
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from tests.support.migrated_database import MigratedDatabase
from tests.support.vectors import axis

PAGE = Path(__file__).parent / "streamlit_chat.py"


@pytest.fixture
def page(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Open, in Japanese, for a user of its own."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    opened = opening()
    return opened.text_input(key="userid").set_value(f"page-{uuid.uuid4()}").run()


def opening() -> AppTest:
    opened = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not opened.exception
    return opened


def shown(page: AppTest) -> str:
    assert not page.exception
    html = " ".join(element.proto.body for element in page.get("html"))
    return html.replace("<mark>", "").replace("</mark>", "")


def test_in_japanese_it_answers_from_what_it_recalled(page: AppTest) -> None:
    assert page.title[0].value == "会話を記憶するチャット"
    assert page.info[0].value == JAPANESE.empty
    page.button(key="samples").click().run()
    page.chat_input(key="spoken").set_value("京都で静かな庭が見たい").run()
    assert not page.info
    [answer] = page.chat_message[1].markdown
    assert "- 京都へ行くなら、人の少ない朝に静かな庭を見たいと言っていた。" in answer.value
    assert "言語モデルではなく" in answer.value
    assert page.expander[0].label == "検索された記憶 2 件(適合順)"
    garden, inn = shown(page).find("静かな庭を見たい"), shown(page).find("庭の見える小さな旅館")
    assert 0 < garden < inn


def test_in_english_too(page: AppTest) -> None:
    page.radio(key="language").set_value("English").run()
    assert page.title[0].value == "A chat that remembers"
    page.button(key="samples").click().run()
    page.slider(key="count").set_value(1).run()
    page.chat_input(key="spoken").set_value("a quiet garden in Kyoto").run()
    [answer] = page.chat_message[1].markdown
    assert "- Wants to see a quiet garden in Kyoto, early, before the crowds." in answer.value
    assert "no language model" in answer.value
    assert page.expander[0].label == ENGLISH.recalled.format(count=1)


def test_without_a_model_it_says_so(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STCHAT_CHAT_MODEL")
    page.chat_input(key="spoken").set_value("京都で静かな庭が見たい").run()
    assert JAPANESE.no_model in [caption.value for caption in page.caption]


def test_what_was_said_is_remembered_and_a_question_is_not(page: AppTest) -> None:
    page.chat_input(key="spoken").set_value("夜行列車が好き").run()
    assert JAPANESE.nothing_recalled in [caption.value for caption in page.caption]
    page.chat_input(key="spoken").set_value("夜行列車は好き?").run()
    assert shown(page).count("夜行列車が好き") == 1
    page.chat_input(key="spoken").set_value("夜行列車の話を覚えている?").run()
    assert "夜行列車は好き?" not in shown(page)


def test_a_memory_below_the_least_similarity_is_not_shown(page: AppTest) -> None:
    page.button(key="samples").click().run()
    page.chat_input(key="spoken").set_value("今日の天気は?").run()
    assert JAPANESE.nothing_recalled in [caption.value for caption in page.caption]
    assert not page.expander


def test_another_page_has_the_turns_and_what_they_recalled_and_all_can_be_deleted(page: AppTest) -> None:
    for text in ("夜行列車が好き", "夜行列車に乗りたい"):
        page.chat_input(key="spoken").set_value(text).run()
    again = opening().text_input(key="userid").set_value(page.text_input(key="userid").value).run()
    assert [text.value for text in again.text] == ["夜行列車が好き", "夜行列車に乗りたい"]
    assert "夜行列車が好き" in shown(again)
    again.button(key="forget").click().run()
    assert again.info[0].value == JAPANESE.empty


def test_themes_are_listed_and_that_of_the_language_is_opened(page: AppTest, migrated: MigratedDatabase) -> None:
    userid = str(page.text_input(key="userid").value)
    history = ChatHistory(migrated.app)
    for theme in ("cooking", "旅行", "latest"):
        history.add(userid, theme, 1, f"of {theme}", None)
    page.run()
    [choice] = page.selectbox
    assert choice.options == ["latest", "旅行", "cooking"]
    assert [text.value for text in page.text] == ["of 旅行"]
    choice.set_value("latest").run()
    assert [text.value for text in page.text] == ["of latest"]


def test_memories_are_listed_changed_and_deleted(page: AppTest) -> None:
    page.button(key="samples").click().run()
    page.toggle(key="listing").set_value(True).run()
    listed = [str(area.value) for area in page.text_area]
    assert sorted(listed) == sorted(summary for _, summary in JAPANESE.samples)
    first, second = [str(area.key).split()[-1] for area in page.text_area[:2]]
    assert page.button(key=f"change {first}").disabled
    page.text_area[0].set_value("京都の庭より、奈良の寺が見たい。").run()
    page.button(key=f"change {first}").click().run()
    page.button(key=f"forget {second}").click().run()
    assert [area.value for area in page.text_area] == ["京都の庭より、奈良の寺が見たい。", *listed[2:]]
    page.toggle(key="listing").set_value(False).run()
    page.chat_input(key="spoken").set_value("奈良の寺が見たい").run()
    assert "京都の庭より、奈良の寺が見たい。" in shown(page)


def test_a_long_list_has_pages(page: AppTest, migrated: MigratedDatabase) -> None:
    userid = str(page.text_input(key="userid").value)
    ChatMemory(migrated.app, CohereEmbedder()).remember_many(
        {"userid": userid, "theme": "t", "chatid": n, "summary": f"memory {n}", "vector": axis(n)} for n in range(13)
    )
    page.toggle(key="listing").set_value(True).run()
    assert len(page.text_area) == 10
    page.button(key="next_page").click().run()
    assert [area.value for area in page.text_area] == ["memory 10", "memory 11", "memory 12"]
    page.button(key="first_page").click().run()
    assert len(page.text_area) == 10


def test_a_memory_is_shown_as_text_whatever_it_holds(page: AppTest) -> None:
    for text in ("<script>alert(1)</script>", "<script>alert(2)</script>"):
        page.chat_input(key="spoken").set_value(text).run()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown(page)


def test_an_error_keeps_the_text_and_speaks_the_pages_language(page: AppTest, migrated: MigratedDatabase) -> None:
    migrated.endpoint.add_fault(kind="error_before", operation="InvokeModel", error="AccessDeniedException")
    page.chat_input(key="spoken").set_value("夜行列車が好き").run()
    assert "夜行列車が好き" in [text.value for text in page.text]
    assert JAPANESE.not_sent in [caption.value for caption in page.caption]
    assert page.error[0].value.startswith("Bedrock のモデルを使う権限がありません。")
    assert page.code[0].value.startswith("AccessDeniedException: ")
    page.button(key="send_again").click().run()
    assert not page.error
    assert [text.value for text in page.text] == ["夜行列車が好き"]


def test_without_a_cluster_it_says_what_to_set(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STCHAT_CLUSTER_ARN")
    page.run()
    assert page.error[0].value.startswith("必要な環境変数が設定されていません。")
    assert 'STCHAT_CLUSTER_ARN is not set: run eval "$(local-aws env)"' in page.code[0].value
