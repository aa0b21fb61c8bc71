"""What refuses a setting."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from stacks.config import dev
from stchat.errors import SettingsError

REFUSAL = re.compile(
    r"(?P<scope>[\w/-]*): (?P<field>\w+) must (?P<rule>.+?), got (?P<got>(?:[^:]|:(?! ))*): (?P<hint>\S.*)"
)
"""`<stage or construct>: <field> must ..., got <value>: <hint>`."""


def refusals(change: dict[str, Any]) -> list[str]:
    """Why `dev` with the change is refused, without the stage's name; each of the shape REFUSAL."""
    with pytest.raises(SettingsError) as error:
        replace(dev(), **change)
    stage = f"{change.get('stage', 'dev')}: "
    found = str(error.value).splitlines()
    for line in found:
        assert line.startswith(stage)
        assert REFUSAL.fullmatch(line), line
    return [line.removeprefix(stage) for line in found]
