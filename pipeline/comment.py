"""One comment on a pull request, found again by its mark and its author, and updated in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

MARK = "<!-- st-chat: what a deploy would change -->"
# The user that the token of a workflow writes as.
AUTHOR = "github-actions[bot]"
SECONDS = 30


class CommentError(Exception):
    """GitHub did not take the comment."""


@dataclass(frozen=True)
class PullRequest:
    """`api` is GitHub's URL; `token` may write to pull requests."""

    api: str
    repository: str
    number: int
    token: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> PullRequest | None:
        """The one that GitHub Actions runs for; None outside of one, or without a token."""
        if environment.get("GITHUB_EVENT_NAME") != "pull_request" or not environment.get("GITHUB_TOKEN"):
            return None
        event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text())
        head = event["pull_request"]["head"]["repo"]  # null: a fork that is gone
        if head is None or head["full_name"] != environment["GITHUB_REPOSITORY"]:
            return None  # a fork's token may not write
        return cls(
            environment["GITHUB_API_URL"],
            environment["GITHUB_REPOSITORY"],
            int(event["pull_request"]["number"]),
            environment["GITHUB_TOKEN"],
        )

    def say(self, text: str) -> None:
        """Write the comment, or replace the text of the one that is there."""
        body = {"body": f"{MARK}\n{text}"}
        issues = f"/repos/{self.repository}/issues"
        for page in range(1, 100):
            comments = self._call("GET", f"{issues}/{self.number}/comments?per_page=100&page={page}")
            for comment in comments:
                if comment["user"]["login"] == AUTHOR and str(comment["body"]).startswith(MARK):
                    self._call("PATCH", f"{issues}/comments/{comment['id']}", body)
                    return
            if len(comments) < 100:
                break
        self._call("POST", f"{issues}/{self.number}/comments", body)

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        request = Request(
            self.api + path,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"},
        )
        try:
            with urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise CommentError(f"GitHub answered {method} {path} with {error.code}: {error.read().decode()}") from error
