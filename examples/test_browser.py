"""The page as a person sees it: Streamlit's server, and a headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local_aws.sample_conversation import CONVERSATION
from stchat.chat.history import ChatHistory
from tests.support.local_aws_cli import free_port
from tests.support.migrated_database import MigratedDatabase

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome", "chrome")
SECONDS = 60
PHONE = (390, 844)  # width and height
DESK = (1100, 1160)

Open = Callable[..., Page]


def chromium() -> str:
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        if found := shutil.which(name):
            return found
    raise AssertionError("no Chromium in PATH: apt-get install chromium-headless-shell, or set CHROMIUM to one")


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "examples/streamlit_chat.py", "--server.port", port]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(server: str, browser: Browser) -> Iterator[Open]:
    """Opens the page in a browser of that language, colour scheme and size."""
    problems: list[str] = []
    opened: list[Page] = []

    def open_page(
        locale: str, user: str, scheme: Literal["light", "dark"] = "light", size: tuple[int, int] = DESK
    ) -> Page:
        width, height = size
        page = browser.new_context(
            locale=locale, color_scheme=scheme, viewport={"width": width, "height": height}
        ).new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        for attempt in range(SECONDS):
            try:
                page.goto(f"{server}/?userid={user}")
                break
            except Exception as error:  # noqa: BLE001 (playwright has no narrower one for a port not open yet)
                assert attempt < SECONDS - 1, error
                page.wait_for_timeout(1000)
        opened.append(page)
        return page

    yield open_page
    assert problems == []


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of --pictures, or one of the test's own."""
    folder: Path = request.config.getoption("--pictures") or tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def user(migrated: MigratedDatabase) -> str:
    """With the turns that `make up` keeps for the user demo."""
    name = f"browser-{uuid.uuid4().hex[:8]}"
    history = ChatHistory(migrated.app)
    for theme, chatid, said, answered, _ in CONVERSATION:
        history.add(name, theme, chatid, said, answered)
    return name


def say(page: Page, text: str) -> None:
    page.get_by_test_id("stChatInputTextArea").fill(text)
    page.keyboard.press("Enter")


def settled(page: Page, picture: Path) -> None:
    """A picture once nothing runs and no toast is left."""
    expect(page.get_by_test_id("stStatusWidget")).to_be_hidden()
    expect(page.get_by_test_id("stToast")).to_have_count(0)
    page.wait_for_timeout(500)
    page.screenshot(path=picture)


def test_in_japanese_a_reload_keeps_it_and_deleting_asks(open_page: Open, user: str, pictures: Path) -> None:
    page = open_page("ja-JP", user)
    expect(page.get_by_role("heading", name="会話を記憶するチャット")).to_be_visible()
    expect(page.get_by_text("子どもは電車が好きです。")).to_be_visible()
    page.get_by_role("button", name="サンプルの記憶を追加").click()
    expect(page.get_by_text("6 件の記憶を保存しました。")).to_be_visible()
    say(page, "京都で静かな庭が見たい")
    memories = page.locator(".memory")
    expect(memories).to_have_count(2)
    expect(memories.first).to_contain_text("静かな庭を見たいと言っていた")
    widths = [bar.bounding_box() for bar in memories.locator(".bar div").all()]
    assert [box["width"] for box in widths if box] == sorted((box["width"] for box in widths if box), reverse=True)
    expect(page.get_by_text("言語モデルではなく")).to_be_visible()
    settled(page, pictures / "ja.png")

    page.reload()
    expect(memories).to_have_count(2)
    expect(page.get_by_label("ユーザー ID")).to_have_value(user)
    page.get_by_role("button", name="このユーザーの記録を削除").click()
    expect(page.get_by_text("元には戻せません。")).to_be_visible()
    expect(memories).to_have_count(2)
    settled(page, pictures / "ja-delete.png")
    page.get_by_role("button", name="削除する").click()
    expect(page.get_by_text("まだ会話がありません。")).to_be_visible()


def test_in_english_in_the_dark_with_a_theme_of_its_own(open_page: Open, user: str, pictures: Path) -> None:
    page = open_page("en-GB", user, scheme="dark")
    expect(page.get_by_role("heading", name="A chat that remembers")).to_be_visible()
    expect(page.get_by_text("Her birthday is on Saturday.")).to_be_visible()
    page.get_by_role("button", name="Add sample memories").click()
    expect(page.get_by_text("6 memories are stored.")).to_be_visible()
    theme = page.get_by_role("combobox", name="Theme")
    theme.fill("garden")
    theme.press("Enter")
    expect(page.get_by_text("Her birthday is on Saturday.")).to_be_hidden()
    say(page, "Which garden in Kyoto is quiet?")
    memories = page.locator(".memory")
    expect(memories).to_have_count(2)
    expect(page.get_by_text("no language model")).to_be_visible()
    background = page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    assert max(map(int, re.findall(r"\d+", background)[:3])) < 64, background
    settled(page, pictures / "en-dark.png")

    page.get_by_text("日本語", exact=True).click()
    expect(page.get_by_role("heading", name="会話を記憶するチャット")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="会話を記憶するチャット")).to_be_visible()
    expect(page.get_by_text("Which garden in Kyoto is quiet?")).to_be_visible()
    expect(memories).to_have_count(2)


def test_on_a_phone_an_error_keeps_the_text(
    open_page: Open, user: str, pictures: Path, migrated: MigratedDatabase
) -> None:
    page = open_page("ja-JP", user, size=PHONE)
    expect(page.get_by_text("子どもは電車が好きです。")).to_be_visible()
    migrated.endpoint.add_fault(kind="error_before", operation="InvokeModel", error="AccessDeniedException")
    say(page, "夜行列車が好き")
    expect(page.get_by_text("Bedrock のモデルを使う権限がありません。")).to_be_visible()
    settled(page, pictures / "ja-phone-error.png")
    page.get_by_role("button", name="もう一度送信").click()
    expect(page.get_by_text("近い記憶はありません。")).to_be_visible()
    expect(page.get_by_text("夜行列車が好き")).to_have_count(1)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0], wide
    settled(page, pictures / "ja-phone.png")
