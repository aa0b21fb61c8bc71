"""docs/memory.md and README.md are true: their Python runs, in its order, and prints what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from local_aws.state import REGION
from tests.support.migrated_database import MigratedDatabase
from tests.support.repository import REPOSITORY

BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
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


def ran(migrated: MigratedDatabase, code: str) -> str:
    """What the code prints, with the environment of an application."""
    environment = {
        "AWS_ENDPOINT_URL_RDS_DATA": migrated.endpoint.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": migrated.endpoint.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STCHAT_CLUSTER_ARN": migrated.app.cluster_arn,
        "STCHAT_APP_SECRET_ARN": migrated.app.secret_arn,
        "STCHAT_DATABASE": migrated.app.database,
    }
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


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
