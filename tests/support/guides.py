"""The Python of a guide, run as an application's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from local_aws.state import REGION
from tests.support.repository import REPOSITORY

if TYPE_CHECKING:
    from tests.support.migrated_database import MigratedDatabase

BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def environment(migrated: MigratedDatabase) -> dict[str, str]:
    """An application's."""
    return {
        "AWS_ENDPOINT_URL_RDS_DATA": migrated.endpoint.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": migrated.endpoint.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STCHAT_CLUSTER_ARN": migrated.app.cluster_arn,
        "STCHAT_APP_SECRET_ARN": migrated.app.secret_arn,
        "STCHAT_DATABASE": migrated.app.database,
    }


def ran(migrated: MigratedDatabase, code: str) -> str:
    """What the code prints, in a process of its own."""
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | environment(migrated),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
