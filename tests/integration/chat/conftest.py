"""The function's environment, over the migrated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws.state import REGION
from stchat.chat import embeddings
from stchat.handlers import chat
from tests.support.migrated_database import MigratedDatabase


@pytest.fixture
def deployed(migrated: MigratedDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment that the stack gives the function, and the local AWS's addresses."""
    for name, value in {
        "AWS_ENDPOINT_URL_RDS_DATA": migrated.endpoint.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": migrated.endpoint.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STCHAT_CLUSTER_ARN": migrated.app.cluster_arn,
        "STCHAT_APP_SECRET_ARN": migrated.app.secret_arn,
        "STCHAT_DATABASE": migrated.app.database,
    }.items():
        monkeypatch.setenv(name, value)
    chat._chat.cache_clear()
    embeddings._shared.cache_clear()
    yield
    migrated.endpoint.clear_faults()
    chat._chat.cache_clear()
    embeddings._shared.cache_clear()
