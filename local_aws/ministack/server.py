"""Starts ministack with the additions. A program of its own: it changes ministack's tables in this process alone."""

from __future__ import annotations

import os
from pathlib import Path

from ministack import app
from ministack.services import rds, secretsmanager
from ministack.services.cloudformation import provisioners

from local_aws import credentials
from local_aws.ministack import (
    clusters,
    deleted_clusters,
    invocations,
    resource_types,
    rotation,
    snapshots,
    stack_operations,
    unique_names,
)
from local_aws.ministack.guard import GuardedApp
from local_aws.ministack.saved_state import SavedState, path
from local_aws.request_guard import RequestGuard


def main(directory: str) -> None:
    """`directory`: where the access key is."""
    os.umask(0o077)  # secrets, functions' code and objects are its user's alone
    provisioners._RESOURCE_HANDLERS.update(resource_types.HANDLERS)
    unique_names.install()
    clusters.install()
    invocations.install()
    secretsmanager._rotate_secret = rotation.rotate_secret
    secretsmanager._describe_secret = rotation.describe_secret
    rds._ACTION_MAP["CreateDBClusterSnapshot"] = snapshots.create_db_cluster_snapshot
    deleted_clusters.install()
    stack_operations.install()
    state = SavedState(path())
    state.install()
    rotation.on_change = state.touch
    guard = RequestGuard(credentials.load(Path(directory)), int(os.environ["GATEWAY_PORT"]))
    app.app = GuardedApp(app.app, guard, state)
    app.main()
