"""What a Lambda's package may import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HANDLERS = sorted(path.stem for path in (ROOT / "stchat" / "handlers").glob("[a-z]*.py"))
CODE = """
import sys
import stchat.handlers.{handler}
ours = {{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names
print(*sorted(name for name in ours if not name.startswith("_")))
"""
# boto3 and what it brings; certifi, which botocore uses where it is installed.
LAMBDA_HAS = {"boto3", "botocore", "certifi", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_needs_nothing_but_boto3(handler: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", CODE.format(handler=handler)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(found.stdout.split()) - LAMBDA_HAS == {"stchat"}
