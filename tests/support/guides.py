"""The Python of a guide, run as an application's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.repository import REPOSITORY

if TYPE_CHECKING:
    from tests.support.migrated_database import MigratedDatabase

BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def ran(migrated: MigratedDatabase, code: str) -> str:
    """What the code prints, in a process of its own."""
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | migrated.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
