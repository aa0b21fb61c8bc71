"""The page over the real database: a Data API with all of sql/ applied, and Bedrock beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.bedrock import LOCAL_MODEL
from local_aws.state import REGION
from tests.integration.conftest import migrated, public_directory
from tests.support.migrated_database import DATABASE, MigratedDatabase

__all__ = ["migrated", "public_directory"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", type=Path, help="the folder for pictures of the page")


@pytest.fixture
def environment(migrated: MigratedDatabase) -> dict[str, str]:
    """What `local-aws env` prints for an application."""
    return {
        "AWS_ENDPOINT_URL_RDS_DATA": migrated.endpoint.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": migrated.endpoint.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "STCHAT_CLUSTER_ARN": migrated.endpoint.cluster_arn,
        "STCHAT_APP_SECRET_ARN": migrated.app.secret_arn,
        "STCHAT_DATABASE": DATABASE,
        "STCHAT_CHAT_MODEL": LOCAL_MODEL,
    }
