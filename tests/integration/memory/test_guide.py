"""docs/memory.md and README.md are true: their Python runs, in its order, and prints what they show."""

from __future__ import annotations

import re

from tests.support.guides import BLOCK, ran
from tests.support.migrated_database import MigratedDatabase
from tests.support.repository import REPOSITORY

CALL_THE_HANDLER = """
class Context:
    def get_remaining_time_in_millis(self):
        return 20_000
for event in ({"userid": "hana", "query": "lentil soup"}, {"userid": "hana\\0", "query": "x"}):
    print(handler(event, Context()))
"""
HANDLED = """{'status': 200, 'memories': ['likes lentil soup with lemon'
{'status': 400, 'error': 'userid must not hold NUL, which PostgreSQL cannot store, got one at character 5: remove it'}
"""


def test_the_guide(migrated: MigratedDatabase) -> None:
    blocks = BLOCK.findall((REPOSITORY / "docs" / "memory.md").read_text())
    assert len(blocks) == 14
    code = [python + (CALL_THE_HANDLER if "def handler" in python else "") for python, _ in blocks]
    printed_by_all = ran(migrated, "\nprint('-' * 9)\n".join(code))
    for (python, shown), printed in zip(blocks, printed_by_all.split("-" * 9 + "\n"), strict=True):
        if "def handler" in python:
            first, second = printed.splitlines(keepends=True)
            assert (first.startswith(HANDLED.splitlines()[0]), second) == (True, HANDLED.splitlines(keepends=True)[1])
        else:
            assert printed == shown


def test_the_readme(migrated: MigratedDatabase) -> None:
    [(code, _)] = BLOCK.findall((REPOSITORY / "README.md").read_text())
    [line] = [line for line in ran(migrated, code).splitlines() if "京都へ旅行して金閣寺を見たい" in line]
    assert re.fullmatch(r"0\.\d+ 旅行 京都へ旅行して金閣寺を見たい", line)
