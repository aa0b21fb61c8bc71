"""The page over the real database: a Data API with all of sql/ applied, and Bedrock beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.state import REGION
from tests.integration.conftest import house, public_directory
from tests.integration.house import DATABASE, House

__all__ = ["house", "public_directory"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--picture", type=Path, help="where to put a picture of the page, such as docs/demo.png")


@pytest.fixture
def environment(house: House) -> dict[str, str]:
    """What `python -m local env` prints for an application."""
    return {
        "AWS_ENDPOINT_URL_RDS_DATA": house.endpoint.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": house.endpoint.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "STCHAT_CLUSTER_ARN": house.endpoint.cluster_arn,
        "STCHAT_APP_SECRET_ARN": house.app.secret_arn,
        "STCHAT_DATABASE": DATABASE,
    }
