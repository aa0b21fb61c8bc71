"""The page over the real database: a Data API with all of sql/ applied, and Bedrock beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.bedrock import LOCAL_MODEL
from tests.integration.conftest import migrated, public_directory
from tests.support.migrated_database import MigratedDatabase

__all__ = ["migrated", "public_directory"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", type=Path, help="the folder for pictures of the page")


@pytest.fixture
def environment(migrated: MigratedDatabase) -> dict[str, str]:
    """What `local-aws env` prints for an application."""
    return migrated.environment | {"STCHAT_CHAT_MODEL": LOCAL_MODEL}
