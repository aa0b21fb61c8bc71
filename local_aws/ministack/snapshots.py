"""CreateDBClusterSnapshot with data in it: the Data API, which has the server, copies it while it runs."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any
from urllib.error import URLError

from ministack.services import rds

from local_aws.credentials import AccessKey
from local_aws.data_api.admin_client import AdminClient

log = logging.getLogger("local_aws.ministack")


def create_db_cluster_snapshot(parameters: dict[str, Any]) -> Any:
    """The API call; the snapshot is `creating` until its data is copied."""
    before = set(rds._db_cluster_snapshots.keys())
    answer = rds._create_db_cluster_snapshot(parameters)
    for name in set(rds._db_cluster_snapshots.keys()) - before:
        snapshot = rds._db_cluster_snapshots[name]
        snapshot["Status"] = "creating"
        threading.Thread(target=_copy, args=(snapshot,), daemon=True).start()
    return answer


def _copy(snapshot: dict[str, Any]) -> None:
    try:
        key = AccessKey(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        AdminClient(os.environ["AWS_ENDPOINT_URL_RDS_DATA"], key).snapshot(
            snapshot["DbClusterResourceId"],
            snapshot["DBClusterSnapshotIdentifier"],
        )
        snapshot["Status"] = "available"
    except URLError:
        log.exception("snapshot %s", snapshot["DBClusterSnapshotIdentifier"])
        snapshot["Status"] = "failed"
