"""One comment, whatever other comments the pull request has: against a server that keeps comments as GitHub does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from pipeline.comment import MARK, CommentError, PullRequest

ISSUES = "/repos/owner/name/issues"


class GitHub(BaseHTTPRequestHandler):
    comments: dict[int, str]
    authors: dict[int, str]

    def do_GET(self) -> None:
        url = urlparse(self.path)
        assert url.path == f"{ISSUES}/7/comments"
        query = parse_qs(url.query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        found = [
            {"id": id, "body": body, "user": {"login": self.authors.get(id, "github-actions[bot]")}}
            for id, body in self.comments.items()
        ]
        self._answer(found[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        assert self.path == f"{ISSUES}/7/comments"
        self.comments[len(self.comments) + 1] = self._body()
        self._answer({})

    def do_PATCH(self) -> None:
        self.comments[int(self.path.removeprefix(f"{ISSUES}/comments/"))] = self._body()
        self._answer({})

    def _body(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def _answer(self, value: object) -> None:
        allowed = self.headers["Authorization"] == "Bearer right"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps(value if allowed else {"message": "Resource not accessible"}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    GitHub.comments, GitHub.authors = {}, {}
    with ThreadingHTTPServer(("127.0.0.1", 0), GitHub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_second_time_it_is_updated_in_place(url: str) -> None:
    GitHub.comments = {1: "a person's"}
    pull_request = PullRequest(url, "owner/name", 7, "right")
    pull_request.say("first 日本語")
    GitHub.comments[3] = f"quoting: {MARK}"
    pull_request.say("second")
    assert GitHub.comments == {1: "a person's", 2: f"{MARK}\nsecond", 3: f"quoting: {MARK}"}


def test_it_is_found_among_hundreds(url: str) -> None:
    GitHub.comments = dict.fromkeys(range(1, 251), "a person's") | {200: f"{MARK}\nold"}
    PullRequest(url, "owner/name", 7, "right").say("new")
    assert len(GitHub.comments) == 250
    assert GitHub.comments[200] == f"{MARK}\nnew"


def test_another_users_comment_with_the_mark_is_left_alone(url: str) -> None:
    GitHub.comments, GitHub.authors = {1: f"{MARK}\nnot ours"}, {1: "visitor"}
    PullRequest(url, "owner/name", 7, "right").say("new")
    assert GitHub.comments == {1: f"{MARK}\nnot ours", 2: f"{MARK}\nnew"}


def test_a_refusal_names_the_call_and_the_answer(url: str) -> None:
    with pytest.raises(CommentError, match=r"GitHub answered GET .*/issues/7/comments.* with 403: .*not accessible"):
        PullRequest(url, "owner/name", 7, "wrong").say("text")


def event(tmp_path: Path, head: str | None) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 7, "head": {"repo": head and {"full_name": head}}}}))
    return {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_API_URL": "https://api.invalid",
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_TOKEN": "right",
    }


def test_the_workflows_variables_name_the_pull_request(tmp_path: Path) -> None:
    found = PullRequest.from_environment(event(tmp_path, "owner/name"))
    assert found == PullRequest("https://api.invalid", "owner/name", 7, "right")


def test_nothing_is_written_for_a_fork_for_a_push_or_outside_a_workflow(tmp_path: Path) -> None:
    here = event(tmp_path, "owner/name")
    assert PullRequest.from_environment(event(tmp_path, "a-fork/name")) is None
    assert PullRequest.from_environment(event(tmp_path, None)) is None
    assert PullRequest.from_environment({**here, "GITHUB_EVENT_NAME": "push"}) is None
    assert PullRequest.from_environment({}) is None
