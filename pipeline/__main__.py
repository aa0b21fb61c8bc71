"""python -m pipeline: `cdk diff` of every stage, printed; in a pull request's workflow also its comment and summary.

One that fails is in the comment too: file, line, message and the next command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.comment import CommentError, PullRequest
from pipeline.diff import DiffError, report
from stacks.config import STAGES


def main(stages: Sequence[str]) -> int:
    """Compare `stages`, or all; returns the exit status."""
    status = 0
    try:
        text = report(stages or list(STAGES), Path("cdk.out/diff"))
    except DiffError as error:
        print(f"error: {error}\n", file=sys.stderr)
        text, status = error.comment, 1
    print(text, flush=True)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(text)
    try:
        if pull_request := PullRequest.from_environment(os.environ):
            pull_request.say(text)
    except CommentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
