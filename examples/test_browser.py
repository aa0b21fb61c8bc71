"""The page as a person sees it: Streamlit's server, and a headless Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.local_aws_cli import free_port

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome", "chrome")
SECONDS = 60


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
def page(server: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        expect.set_options(timeout=SECONDS * 1000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        for attempt in range(SECONDS):
            try:
                page.goto(server)
                break
            except Exception as error:  # noqa: BLE001 (playwright has no narrower one for a port not open yet)
                assert attempt < SECONDS - 1, error
                page.wait_for_timeout(1000)
        yield page
        browser.close()
        assert problems == []


def say(page: Page, text: str) -> None:
    page.get_by_test_id("stChatInputTextArea").fill(text)
    page.keyboard.press("Enter")


def test_a_conversation_in_two_languages(page: Page, request: pytest.FixtureRequest) -> None:
    expect(page.get_by_role("heading", name="会話を記憶するチャット")).to_be_visible()
    page.get_by_role("button", name="サンプルの記憶を追加").click()
    expect(page.get_by_text("6 件の記憶を保存しました。")).to_be_visible()
    say(page, "京都で静かな庭が見たい")
    memories = page.locator(".memory")
    expect(memories).to_have_count(3)
    expect(memories.first).to_contain_text("静かな庭を見たいと言っていた")
    widths = [bar.bounding_box() for bar in memories.locator(".bar div").all()]
    assert [box["width"] for box in widths if box] == sorted((box["width"] for box in widths if box), reverse=True)
    expect(page.get_by_text("答えるモデルが設定されていません")).to_be_visible()

    page.get_by_text("English", exact=True).click()
    expect(page.get_by_role("heading", name="A chat that remembers")).to_be_visible()
    page.get_by_role("button", name="Add sample memories").click()
    expect(page.get_by_text("6 memories are kept.")).to_be_visible()
    say(page, "Which garden in Kyoto is quiet?")
    expect(memories).to_have_count(6)  # the first answer's stay
    expect(memories.nth(3)).to_contain_text("Wants to see a quiet garden in Kyoto")
    if picture := request.config.getoption("--picture"):
        expect(page.get_by_text("6 memories are kept.")).to_be_hidden()
        page.screenshot(path=picture)
