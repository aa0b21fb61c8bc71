"""A cloud.json that was cut off or written by something else is refused by name, with the way on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local_aws import state
from local_aws.errors import DamagedError


@pytest.mark.parametrize("text", ["", "{", "[]", '{"aws_port": "x"}', "null", '{"aws_port": 1, "data_api_port": "2"}'])
def test_it_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cloud.json"
    file.write_text(text)
    with pytest.raises(DamagedError, match=re.escape(f"{file} is damaged: `local-aws up` writes a new one")):
        state.load(tmp_path)


def test_none_is_no_damage(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None
