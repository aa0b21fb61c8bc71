"""What a web page can send while the local AWS is up, from a real browser: nothing is served to it, nothing is done.

`make demo-test` runs it: Playwright and Chromium are not among what `make install` installs.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.local_aws_cli import LocalAwsCli

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is installed by `make demo-test`")

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome", "chrome")
SERVERS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS_DATA")
FOREIGN, REBOUND = "page.example", "rebound.example"
# One call of each kind that a page may send without asking: form types, and JSON that calls itself text.
CREATE_USER = "Action=CreateUser&Version=2010-05-08&UserName=from-a-page"
FETCH = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return [answer.type, answer.status, await answer.text()];
  } catch (error) { return ["refused", 0, ""]; }
}"""
POST_FORM = """([url, type, name, value]) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.name = "target";
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: url, enctype: type, target: "target"});
  const field = document.createElement("textarea");
  Object.assign(field, {name, value});
  form.append(field);
  document.body.append(frame, form);
  frame.onload = () => resolve(true);
  form.submit();
})"""
SHOW = """([tag, url]) => new Promise((resolve) => {
  const element = document.createElement(tag);
  element.onload = () => resolve("loaded");
  element.onerror = () => resolve("failed");
  element.src = url;
  document.body.append(element);
})"""
SOCKET = """(url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onopen = () => resolve("open");
  socket.onerror = () => resolve("refused");
})"""


@dataclass(frozen=True)
class Page:
    """A page in Chromium; what it `sent` to a server, and the statuses of the `answers` that Chromium took."""

    page: Any
    sent: list[str]
    answers: list[int]


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for which both names are 127.0.0.1: that of a page, and one that was bound to it later."""
    names = os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)
    if not (program := next(filter(None, names), None)):
        pytest.skip("no Chromium on the PATH: apt-get install chromium-headless-shell, or set CHROMIUM to one")
    rules = f"MAP {FOREIGN} 127.0.0.1, MAP {REBOUND} 127.0.0.1"
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", f"--host-resolver-rules={rules}"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    """The address of a page of another origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{FOREIGN}:{server.server_port}/"
        server.shutdown()


@contextmanager
def opened(browser: Any, url: str, server: str) -> Iterator[Page]:
    page = browser.new_page()
    sent: list[str] = []
    answers: list[int] = []
    port = urlsplit(server).port
    page.on("request", lambda one: sent.append(one.url) if urlsplit(one.url).port == port else None)
    page.on("response", lambda answer: answers.append(answer.status) if urlsplit(answer.url).port == port else None)
    page.goto(url)
    yield Page(page, sent, answers)
    page.close()


def request_of(local_aws: LocalAwsCli, server: str) -> tuple[str, str]:
    """Path and body of a call that would do something if it were served."""
    if server == "AWS_ENDPOINT_URL":
        return "/", CREATE_USER
    here = local_aws.environment()
    body = {
        "resourceArn": here["STCHAT_CLUSTER_ARN"],
        "secretArn": here["STCHAT_SECRET_ARN"],
        "database": "st_chat_db",
        "sql": "CREATE TABLE from_a_page (i int)",
    }
    return "/Execute", json.dumps(body)


@pytest.fixture(autouse=True, scope="module")
def _nothing_was_done(local_aws: LocalAwsCli) -> Iterator[None]:
    yield
    assert local_aws.client("iam").list_users()["Users"] == []
    assert local_aws.sql("SELECT to_regclass('from_a_page') IS NULL") == [[True]]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("mode", ["no-cors", "cors"])
def test_fetch(browser: Any, foreign: str, local_aws: LocalAwsCli, server: str, type_: str, mode: str) -> None:
    url = local_aws.environment()[server]
    path, body = request_of(local_aws, server)
    options = {"method": "POST", "mode": mode, "body": body, "headers": {"Content-Type": type_}}
    with opened(browser, foreign, url) as page:
        kind, _, text = page.page.evaluate(FETCH, [url + path, options])
    assert (kind, text) in (("refused", ""), ("opaque", "")), (kind, text)
    assert set(page.answers) <= {403}
    assert page.sent


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("path", ["/", "/_ministack/health", "/_local/status", "/_local/faults"])
def test_what_a_page_reads(browser: Any, foreign: str, local_aws: LocalAwsCli, server: str, path: str) -> None:
    url = local_aws.environment()[server]
    with opened(browser, foreign, url) as page:
        assert page.page.evaluate(FETCH, [url + path, {}])[0] == "refused"
        page.page.evaluate(SHOW, ["iframe", url + path])
        assert page.page.evaluate(SHOW, ["img", url + path]) == "failed"
        assert page.page.evaluate(SHOW, ["script", url + path]) == "failed"
    assert set(page.answers) == {403}
    assert len(page.sent) == 4


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_form(browser: Any, foreign: str, local_aws: LocalAwsCli, server: str, type_: str) -> None:
    """A form puts its field's name before `=`: of the query protocol, Action; of JSON, all up to a string."""
    url = local_aws.environment()[server]
    path, body = request_of(local_aws, server)
    name, _, value = body.partition("=") if server == "AWS_ENDPOINT_URL" else (body[:-1] + ', "x": "', "=", '"}')
    with opened(browser, foreign, url) as page:
        assert page.page.evaluate(POST_FORM, [url + path, type_, name, value])
    assert page.answers == [403]


@pytest.mark.parametrize("server", SERVERS)
def test_web_socket(browser: Any, foreign: str, local_aws: LocalAwsCli, server: str) -> None:
    url = local_aws.environment()[server]
    with opened(browser, foreign, url) as page:
        assert page.page.evaluate(SOCKET, url.replace("http://", "ws://") + "/") == "refused"


@pytest.mark.parametrize("server", SERVERS)
def test_a_name_that_was_bound_to_this_machine(browser: Any, local_aws: LocalAwsCli, server: str) -> None:
    """The page's own origin is the server: nothing is foreign about what it sends, but for the name."""
    port = urlsplit(local_aws.environment()[server]).port
    path, body = request_of(local_aws, server)
    with opened(browser, f"http://{REBOUND}:{port}/", local_aws.environment()[server]) as page:
        assert "the header Host must be 127.0.0.1" in page.page.content()
        for type_ in ("application/json", "application/x-www-form-urlencoded"):
            options = {"method": "POST", "body": body, "headers": {"Content-Type": type_}}
            kind, status, text = page.page.evaluate(FETCH, [path, options])
            assert (kind, status) == ("basic", 403)
            assert "the header Host must be 127.0.0.1" in text
    assert set(page.answers) == {403}


@pytest.mark.parametrize("server", SERVERS)
def test_an_address_that_is_typed(browser: Any, local_aws: LocalAwsCli, server: str) -> None:
    url = local_aws.environment()[server]
    with opened(browser, url, url) as page:
        assert "Missing Authentication Token" in page.page.content()
    assert set(page.answers) == {403}
