"""What a kill in the middle of a deploy leaves on disk: a database that no cluster has. No data are removed unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

from local_aws.postgres.creation import CREATING
from local_aws.state import LocalAws

CLUSTERS = "clusters"


def remove_incomplete(directory: Path) -> None:
    """Servers' directories whose making broke off: nothing was ever stored in them. While no Data API runs."""
    for path in (directory / CLUSTERS).glob(f"*{CREATING}"):
        shutil.rmtree(path)


def unlisted(cloud: LocalAws) -> list[Path]:
    """Databases of clusters that the control plane does not list."""
    listed = {cluster["DbClusterResourceId"] for cluster in cloud.client("rds").describe_db_clusters()["DBClusters"]}
    return sorted(
        path.parent for path in (cloud.directory / CLUSTERS).glob("cluster-*/pgdata") if path.parent.name not in listed
    )
