"""How `make test` shares the tests out between its workers."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# The end to end tests that are one story, on one local AWS: the fixture `local_aws` of tests/e2e/conftest.py.
STORY = (
    "access", "agent", "chat", "commands", "deploy", "hostile_environment", "production", "request_guard", "web_page",
)  # fmt: skip


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file at a time, since fixtures are expensive. The story is the longest: collected first, it is begun first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "story" if file in (f"tests/e2e/test_{name}.py" for name in STORY) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile:
    return FileByFile(config, log)
