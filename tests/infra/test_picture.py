"""The README's picture is of what the templates deploy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.picture import draw

PICTURE = Path("docs/architecture.svg")


def test_picture_is_of_the_templates(
    request: pytest.FixtureRequest, templates: Callable[[str], dict[str, dict[str, Any]]]
) -> None:
    now = draw(templates("dev"))
    if request.config.getoption("--update-snapshots"):
        PICTURE.write_text(now)
    assert now == PICTURE.read_text(), "if this is meant: make snapshots"
