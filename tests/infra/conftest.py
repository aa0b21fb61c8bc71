"""The templates of both stages, synthesized once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stacks.config import STAGES
from tests.support.templates import Templates, synthesize


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="write the templates' snapshots anew")


@pytest.fixture(scope="session")
def templates() -> Callable[[str], Templates]:
    """The templates of a stage, by its name."""
    made: dict[str, Templates] = {}

    def of(stage: str) -> Templates:
        if stage not in made:
            made[stage] = synthesize(STAGES[stage]())
        return made[stage]

    return of
