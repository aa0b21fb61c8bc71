"""The page's logic, without a browser."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from examples.texts import ENGLISH, JAPANESE

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
    return " ".join(element.proto.body for element in page.get("html"))


def test_in_japanese_it_recalls_the_nearest_first_and_says_that_nobody_answers(page: AppTest) -> None:
    assert page.title[0].value == "会話を記憶するチャット"
    assert page.info[0].value == JAPANESE.empty
    page.button(key="samples").click().run()
    page.chat_input(key="spoken").set_value("京都で静かな庭が見たい").run()
    assert not page.info
    assert JAPANESE.no_model in [caption.value for caption in page.caption]
    assert page.expander[0].label == "検索された記憶 3 件(類似度順)"
    garden, inn = shown(page).find("静かな庭を見たい"), shown(page).find("庭の見える小さな旅館")
    assert 0 < garden < inn


def test_in_english_too(page: AppTest) -> None:
    page.radio(key="language").set_value("English").run()
    assert page.title[0].value == "A chat that remembers"
    page.button(key="samples").click().run()
    page.slider(key="count").set_value(1).run()
    page.chat_input(key="spoken").set_value("a quiet garden in Kyoto").run()
    assert ENGLISH.no_model in [caption.value for caption in page.caption]
    assert page.expander[0].label == "Recalled 1 memories, nearest first"
    assert "Wants to see a quiet garden in Kyoto" in shown(page)


def test_what_was_said_is_remembered_and_its_history_outlives_the_page(page: AppTest) -> None:
    page.chat_input(key="spoken").set_value("夜行列車が好き").run()
    assert JAPANESE.nothing_recalled in [caption.value for caption in page.caption]
    page.chat_input(key="spoken").set_value("夜行列車に乗りたい").run()
    assert "夜行列車が好き" in shown(page)
    again = opening().text_input(key="userid").set_value(page.text_input(key="userid").value).run()
    assert [text.value for text in again.text] == ["夜行列車が好き", "夜行列車に乗りたい"]
    again.button(key="forget").click().run()
    assert again.info[0].value == JAPANESE.empty


def test_a_memory_is_shown_as_text_whatever_it_holds(page: AppTest) -> None:
    for text in ("<script>alert(1)</script>", "<script>alert(2)</script>"):
        page.chat_input(key="spoken").set_value(text).run()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown(page)


def test_without_a_cluster_it_says_what_to_set(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STCHAT_CLUSTER_ARN")
    assert 'STCHAT_CLUSTER_ARN is not set: run eval "$(local-aws env)"' in page.run().error[0].value
